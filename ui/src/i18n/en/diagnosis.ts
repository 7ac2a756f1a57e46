import type { Words } from '../words'

export default {
  title: 'Diagnosis',
  intro:
    'Checks everything that this computer needs to use a USBKEY: drivers, readers, the USBKEY, portal, clock. Takes a few seconds and changes nothing.',
  run: 'Start the diagnosis',
  again: 'Diagnose again',
  running: 'Checking drivers, readers, the USBKEY and the portal; usually less than 10 seconds…',
  all_ok: 'No problems were found.',
  only_warnings: 'The USBKEY can be used; there is {n} warning. | The USBKEY can be used; there are {n} warnings.',
  problems: '{n} problem was found; see below what to do. | {n} problems were found; see below what to do.',
  at: 'Checked',
  number: 'Number',
  number_about: 'Tell the hotline this number.',
  level: { ok: 'ok', warn: 'warning', bad: 'problem' },
  results: 'Results',
  save: 'Save the diagnosis',
  save_about: 'Contains no PIN and no personal data; you can send it to support.',
  unknown: 'Is your USBKEY not recognized?',
  unknown_about:
    'Create a report, review it, and save it or send it to the portal, so that this type of USBKEY can be supported. It contains no PIN and no personal data.',
  create_report: 'Create a report',
  report: 'Report',
  send_unknown: 'Send the report',
  send: 'Send',
  send_about:
    'The content shown above is sent, without serial numbers and folder names. You receive a number; tell it to the hotline.',
  sent: 'Sent; its number is {number}.',
  report_number: 'report number',
  save_unknown: 'Save the report',
} satisfies Words['diagnosis']
