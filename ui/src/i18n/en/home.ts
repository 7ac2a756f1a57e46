import type { Words } from '../words'

export default {
  title: 'Home',
  unfinished: 'Unfinished: {kind}',
  stopped_after: 'Stopped after “{step}” ({at}); {n} step left, the PIN is required again. | Stopped after “{step}” ({at}); {n} steps left, the PIN is required again.',
  nothing_lost: 'No further payment or review is needed.',
  forget: 'Do not remind me',
  forget_about:
    'It is only no longer shown here. The order and the USBKEY remain unchanged; you can continue from “Orders”.',
  actions: 'Actions',
  renew: 'Renew',
  renew_about: 'The certificate expires soon or has expired, and the USBKEY is at hand',
  unlock: 'Unlock',
  unlock_about: 'The PIN was wrong too often: set a new one',
  orders: 'Change or view orders',
  orders_about: 'Progress, changes, documents',
  expiring: 'Certificates that expire soon',
  price: '{years} year: from {price} | {years} years: from {price}',
  papers:
    "Have ready: the business licence, the identity documents of the applicant and the legal representative, the applicant's phone. Reviewed within 1–3 working days",
  hotline: 'Hotline {number}',
  no_portal: 'No portal is set up yet, so nothing can be ordered. An administrator sets it up in “Settings”.',
  to_settings: 'Open settings',
  running: 'In progress: {kind}',
  see: 'View',
} satisfies Words['home']
