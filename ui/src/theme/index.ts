import './tokens.css'
import './element.css'
import './base.css'

export { showAs } from './appearance'
