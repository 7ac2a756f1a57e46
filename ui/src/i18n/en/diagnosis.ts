import type { Words } from '../words'

export default {
  title: 'Diagnosis',
  intro:
    'Looks at all that this machine needs to work with a USBKEY: drivers, readers, the USBKEY, portal, clock. Takes some seconds and changes nothing.',
  run: 'Start the diagnosis',
  again: 'Diagnose again',
  running: 'Looking at drivers, readers, the USBKEY and the portal; usually less than 10 seconds…',
  all_ok: 'No problem was found.',
  only_warnings: 'It can be used; there is {n} thing to note. | It can be used; there are {n} things to note.',
  problems: '{n} problem was found; see below what to do. | {n} problems were found; see below what to do.',
  at: 'Looked at',
  number: 'Number',
  number_about: 'Tell the hotline this number.',
  level: { ok: 'ok', warn: 'note', bad: 'problem' },
  results: 'Findings',
  save: 'Save the diagnosis',
  save_about: 'Holds no PIN and nothing personal; you can send it to the support.',
  unknown: 'Your USBKEY is not recognised?',
  unknown_about:
    'Make a report, look at it, and save it or send it to the portal, so that this kind of USBKEY can be supported. It holds no PIN and nothing personal.',
  create_report: 'Make a report',
  report: 'Report',
  send_unknown: 'Send the report',
  send: 'Send',
  send_about:
    'What is sent is what stands above, without serial numbers and folders. A number comes back; read it to the hotline.',
  sent: 'Sent; its number is {number}.',
  report_number: 'report number',
  save_unknown: 'Save the report',
} satisfies Words['diagnosis']
