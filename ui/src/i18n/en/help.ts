import type { Words } from '../words'

export default {
  title: 'Help',
  offline: 'This page needs no network.',
  hotline: 'Hotline',
  hours: 'Working days, Monday to Friday, 9:00–17:30',
  hotline_about:
    "Have at hand: the company's name, the order number or the tail of the USBKEY's number, and the code where a page shows one.",
  when: 'What to do when…',
  rules: 'Rules of use of the USBKEY',
  good_to_know: 'Good to know',
  problems: {
    'no-reaction': {
      q: 'Nothing happens when the USBKEY is inserted',
      a: [
        'Pull it and insert it in another USB port, without an extension cable or a dock.',
        'See whether its light goes on. If not, try another machine, to tell whether the USBKEY or the machine is at fault.',
        'If there is still nothing, run the diagnosis and follow what it says.',
      ],
    },
    driver: {
      q: 'A driver is missing',
      a: [
        'The home page says of which make the USBKEY is and where its driver comes from.',
        'Once the driver is installed the assistant goes on by itself; no restart is needed.',
        'If you are not sure where the driver comes from, call the hotline; do not take it from an unknown site.',
      ],
    },
    pin: {
      q: 'The PIN is forgotten, or locked after wrong tries',
      a: [
        'The certificate is still there. "Unlock" sets a new PIN in about 3 minutes, free of charge.',
        "It takes two things: the USBKEY in this machine, and the applicant's bound phone at hand for the code.",
        'A PIN that was never changed is the initial one, 12345678.',
      ],
    },
    pulled: {
      q: 'The USBKEY was pulled during a renewal, or power or network went away',
      a: [
        'What was done is kept; nothing is paid or reviewed again.',
        'Insert the same USBKEY, choose "Go on" on the home page and type the PIN: it goes on where it stopped.',
        'Another machine will do too: log in, find the order in "Orders" and choose "Renew".',
      ],
    },
    several: {
      q: 'Several USBKEYs are found',
      a: ['Leave in only the one you mean. The page names each by its holder and tail, and goes on by itself.'],
    },
    expired: {
      q: 'The certificate has ended',
      a: [
        'It cannot be used any more, but the same USBKEY can get a new one by an "expired purchase".',
        'Choose the certificate in "Certificates".',
      ],
    },
    revoked: {
      q: 'The certificate is revoked',
      a: ['It cannot be renewed; a new one has to be ordered. Call the hotline.'],
    },
    bids: {
      q: 'Can bids that were encrypted with the old certificate still be opened after a renewal?',
      a: [
        'Yes. A renewal never deletes the old keys on the USBKEY by itself.',
        'Where there is no room, the assistant says so first and asks; do not agree while there are bids that have not been opened.',
      ],
    },
    code: {
      q: 'No SMS code arrives',
      a: [
        "It goes to the applicant's bound phone, is good for 60 seconds, and can be sent again after 60 seconds.",
        'Make sure that the number is in use and that messages are not blocked. If the number is gone, call the hotline to have another one bound.',
      ],
    },
    portal: {
      q: 'The portal does not answer',
      a: [
        'See whether this machine is online. The USBKEY, its PIN, diagnosis and help need no network.',
        'What is under way is kept and goes on when the portal is back; nothing is paid or reviewed again.',
      ],
    },
    lost: {
      q: 'The USBKEY is damaged or lost, or its PIN may be known to others',
      a: ['Call the hotline soon to have it revoked and to order another one, so that nobody else can use it.'],
    },
    invoice: {
      q: 'How to get the invoice',
      a: [
        'The electronic invoice comes by e-mail within 1–5 working days.',
        "It can be had from the province's electronic tax office too: 我要办税 → 税务数字账户 → 全量发票查询.",
      ],
    },
  },
  rule_list: [
    'Give true, exact and complete information; tell the service when it changes.',
    'Use the USBKEY only for what it is meant for; pull it as soon as the work is done.',
    'Do not drop it, and do not hit it with anything hard.',
    'Keep it safe. A company should have strict rules for it, like those for its seal; do not lend it to others.',
    'Keep the USBKEY and its keys secure; when it is damaged, lost or known to others, have it revoked and reissued.',
    'Use it within its term; renew it when the end comes near.',
    'Do not use it for anything unlawful.',
    'If there is a problem with the USBKEY, call the hotline.',
    'If there is a question about an application, call the hotline too.',
  ],
  reminder_list: [
    'The initial PIN of a USBKEY is 12345678. Change it on the page "USBKEY", so that not everyone who holds it can use it.',
    'Do not pull the USBKEY before a renewal is done, and insert only the one that is meant.',
    'You are told by SMS when an order is approved, when it is rejected, and when a USBKEY is sent.',
  ],
} satisfies Words['help']
