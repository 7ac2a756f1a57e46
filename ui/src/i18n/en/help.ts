import type { Words } from '../words'

export default {
  title: 'Help',
  offline: 'This page works without a network.',
  hotline: 'Hotline',
  hours: 'Working days, Monday to Friday, 9:00–17:30',
  hotline_about:
    "Have ready: the company's name, the order number or the last four characters of the USBKEY's number, and the code if a page shows one.",
  when: 'What to do when…',
  rules: 'Rules for using the USBKEY',
  good_to_know: 'Good to know',
  problems: {
    'no-reaction': {
      q: 'Nothing happens when the USBKEY is inserted',
      a: [
        'Remove it and insert it into another USB port, without an extension cable or a docking station.',
        'Check whether its light turns on. If not, try another computer, to find out whether the USBKEY or the computer is at fault.',
        'If there is still no reaction, run the diagnosis and follow its results.',
      ],
    },
    driver: {
      q: 'A driver is missing',
      a: [
        'The home page names the vendor of the USBKEY and the source of its driver.',
        'Once the driver is installed the assistant continues by itself; no restart is needed.',
        'If you are not sure where to get the driver, call the hotline; do not download it from an unknown site.',
      ],
    },
    pin: {
      q: 'The PIN is forgotten, or locked after wrong tries',
      a: [
        'The certificate is still there. “Unlock” sets a new PIN in about 3 minutes, free of charge.',
        "It takes two things: the USBKEY inserted in this computer, and the applicant's bound phone at hand to receive the code.",
        'A PIN that was never changed is the initial one, 12345678.',
      ],
    },
    pulled: {
      q: 'During a renewal, the USBKEY was removed, or power or network failed',
      a: [
        'Completed steps are kept; no further payment or review is needed.',
        'Insert the same USBKEY, choose “Continue” on the home page and enter the PIN: the renewal continues where it stopped.',
        'You can also use another computer: log in, find the order in “Orders” and choose “Renew”.',
      ],
    },
    several: {
      q: 'Several USBKEYs are found',
      a: [
        'Leave only the one you want to use inserted. The page names each by its holder and the last four characters of its number, and continues by itself.',
      ],
    },
    expired: {
      q: 'The certificate has expired',
      a: [
        'It can no longer be used, but you can get a new one for the same USBKEY with “Repurchase”.',
        'Choose the certificate in “Certificates”.',
      ],
    },
    revoked: {
      q: 'The certificate is revoked',
      a: ['It cannot be renewed; a new one has to be ordered. Call the hotline.'],
    },
    bids: {
      q: 'Can bids that were encrypted with the old certificate still be decrypted after a renewal?',
      a: [
        'Yes. A renewal never deletes the old keys on the USBKEY automatically.',
        'If the USBKEY has no free capacity, the assistant tells you and asks first; do not agree while there are bids that have not been opened.',
      ],
    },
    code: {
      q: 'No SMS code arrives',
      a: [
        "It is sent to the applicant's bound phone, is valid for 60 seconds, and can be sent again after 60 seconds.",
        'Make sure that the number is in use and that messages are not blocked. If the number is no longer in use, call the hotline to bind another one.',
      ],
    },
    portal: {
      q: 'The portal does not respond',
      a: [
        'Check whether this computer is online. The USBKEY, its PIN, diagnosis and help need no network.',
        'The progress of what you have started is kept and continues when the portal responds again; no further payment or review is needed.',
      ],
    },
    lost: {
      q: 'The USBKEY is damaged or lost, or its PIN may be known to others',
      a: ['Call the hotline as soon as possible to revoke it and to order a replacement, so that nobody else can use it.'],
    },
    invoice: {
      q: 'How to get the invoice',
      a: [
        'The electronic invoice is sent by e-mail within 1–5 working days.',
        "It can also be downloaded from the province's electronic tax office: 我要办税 → 税务数字账户 → 全量发票查询.",
      ],
    },
  },
  rule_list: [
    'Provide true, accurate and complete information; report changes in time.',
    'Use the USBKEY only for its intended purpose; remove it as soon as you have finished.',
    'Do not drop it or hit it with hard objects.',
    'Keep it safe. A company should have strict rules for it, like those for its seal; do not lend it to others.',
    'Keep the USBKEY and the keys of its certificates secure; if it is damaged, lost or compromised, have it revoked and replaced.',
    'Use it within its validity period; renew it when it expires soon.',
    'Do not use it for unlawful purposes.',
    'If there is a problem with the USBKEY, call the hotline.',
    'If you have a question about an application, call the hotline too.',
  ],
  reminder_list: [
    'The initial PIN of a USBKEY is 12345678. Change it on the page “USBKEY”, so that nobody who gets hold of it can use it.',
    'Do not remove the USBKEY before a renewal is finished, and insert only the one that is to be renewed.',
    'You are notified by SMS when an order is approved or rejected, and when a USBKEY is shipped.',
  ],
} satisfies Words['help']
