import apply from './apply'
import certificates from './certificates'
import common from './common'
import diagnosis from './diagnosis'
import help from './help'
import home from './home'
import key from './key'
import login from './login'
import orders from './orders'
import settings from './settings'
import usbkey from './usbkey'
import work from './work'

export default { apply, certificates, common, diagnosis, help, home, key, login, orders, settings, usbkey, work }
