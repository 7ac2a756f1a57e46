import type { Words } from '../words'

export default {
  title: 'Log in',
  intro: "Log in with the applicant's mobile number to see certificates and orders, and to renew.",
  phone: "Applicant's mobile number",
  phone_wrong: 'Type an 11-digit mobile number that begins with 1.',
  before: 'The code will be sent to {phone}; make sure that whoever holds this phone is at hand.',
  send: 'Send the code',
  submit: 'Log in',
  other_phone: 'Another number',
  without: 'Without logging in you can unlock a USBKEY, change its PIN, run the diagnosis and read the help.',
} satisfies Words['login']
