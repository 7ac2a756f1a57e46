import type { Words } from '../words'

export default {
  title: 'Home',
  unfinished: 'A {kind} is not finished',
  stopped_after: 'Stopped after "{step}" ({at}); {n} step left, the PIN is needed again. | Stopped after "{step}" ({at}); {n} steps left, the PIN is needed again.',
  nothing_lost: 'Nothing is paid or reviewed again.',
  forget: 'Do not remind me',
  forget_about:
    'It is only no longer shown here. Order and USBKEY stay as they are; you can go on from “My orders”.',
  actions: 'What to do',
  renew: 'Renew',
  renew_about: 'The certificate ends soon or has ended, and the USBKEY is at hand',
  unlock: 'Unlock',
  unlock_about: 'The PIN was wrong too often: set a new one',
  orders: 'Change or follow orders',
  orders_about: 'Progress, changes, papers',
  expiring: 'Certificates near their end',
  price: '{years} year: from {price} | {years} years: from {price}',
  papers:
    "Have at hand: the business licence, the applicant's and the legal representative's documents, the applicant's phone. Reviewed within 1–3 working days",
  hotline: 'Hotline {number}',
  no_portal: 'No portal is set up yet, so nothing can be ordered. An administrator sets it up in "Settings".',
  to_settings: 'To the settings',
  running: 'Under way: {kind}',
  see: 'See',
} satisfies Words['home']
