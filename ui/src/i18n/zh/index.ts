import apply from './apply'
import certificates from './certificates'
import common from './common'
import diagnosis from './diagnosis'
import help from './help'
import home from './home'
import job from './job'
import login from './login'
import orders from './orders'
import settings from './settings'
import token from './token'
import usbkey from './usbkey'

export default { apply, certificates, common, diagnosis, help, home, job, login, orders, settings, token, usbkey }
