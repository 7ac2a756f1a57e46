import type { Words } from '../words'

export default {
  title: 'Log in',
  intro: "Log in with the applicant's mobile number to view certificates and orders, and to renew.",
  phone: "Applicant's mobile number",
  phone_wrong: 'Enter an 11-digit mobile number that begins with 1.',
  before: 'A code will be sent to {phone}; make sure that the phone is at hand first.',
  send: 'Send the code',
  submit: 'Log in',
  other_phone: 'Use another number',
  without: 'Without logging in you can unlock a USBKEY, change its PIN, run the diagnosis and read the help.',
} satisfies Words['login']
