import type { Words } from '../words'

export default {
  title: 'Form',
  required: '(required)',
  about:
    'Filled in from last time and from the certificate; look it over. It is saved as you type: leave whenever you like and go on later.',
  delivery_about: 'A renewal is written to the USBKEY in your hands; as a rule nothing is sent.',
  saving: 'Saving…',
  saved: 'Saved',
  saved_at: 'Saved {time}',
  unsaved:
    'The portal does not answer, so what you typed last is not kept there yet. It stays on this page and is saved as soon as the portal is back; just go on typing.',
  rejected: 'The review did not pass: {reason}.',
  rejected_about: 'Put it right and hand it in again; nothing is paid twice.',
  previous: 'Back',
  later: 'Later',
  change: 'Change',
  change_what: 'Change: {what}',
  nothing: '(empty)',
  years: '{n} year | {n} years',
  paid: '{amount} paid, nothing more to pay',
  agreement: 'All of this is true, correct and complete, and I agree to the certificate being made with it.',
  agree_first: 'Tick the line above, then choose “OK”.',
  pay_title: 'Please pay by bank transfer',
  to_order: 'See the progress',
  to_order_about:
    'Our staff record your transfer when it arrives; then it is reviewed. An SMS tells the result within 1–3 working days.',
  step: {
    applicant: 'Applicant',
    legal_representative: 'Legal rep.',
    company: 'Company',
    invoice: 'Invoice',
    delivery: 'Delivery',
    check: 'Check',
    pay: 'Pay',
  },
  page: {
    applicant: 'Applicant',
    legal_representative: 'Legal representative',
    company: 'Company',
    invoice: 'Invoice',
    delivery: 'Delivery',
    check: 'Look it over, then hand it in',
  },
  field: {
    applicant: {
      name: 'Name of the applicant',
      phone: 'Mobile number',
      email: 'E-mail',
      id_type: 'Document',
      id_number: 'Document number',
    },
    legal_representative: { name: 'Legal representative', id_type: 'Document', id_number: 'Document number' },
    company: {
      name: 'Company',
      kind: 'Type of company',
      code_type: 'Kind of code',
      code: 'Company code',
      industry: 'Industry',
    },
    invoice: {
      kind: 'Kind of invoice',
      title: 'Invoice title',
      tax_number: 'Tax number',
      bank: 'Bank',
      account: 'Account',
      address: 'Registered address',
      phone: 'Registered phone',
    },
    delivery: {
      kind: 'Delivery',
      name: 'Recipient',
      phone: "Recipient's phone",
      region: 'Region',
      address: 'Address',
    },
  },
  hint: {
    applicant: {
      phone: '11 digits; text messages go here',
      email: 'The electronic invoice goes here',
    },
    company: {
      name: 'As on the licence',
      code: 'A unified social credit code has 18 characters',
    },
    invoice: {
      title: "As a rule the company's name",
    },
    delivery: {
      region: 'Province, city, district',
    },
  },
  option: {
    id_type: {
      identity_card: 'Identity card',
      passport: 'Passport',
      travel_permit: 'Travel permit (HK, Macao, Taiwan)',
      other: 'Other document',
    },
    company: {
      code_type: {
        uscc: 'Unified social credit code',
        organisation: 'Organisation code',
        other: 'Other code',
      },
    },
    invoice: {
      ordinary: 'Ordinary VAT invoice (electronic)',
      special: 'Special VAT invoice (electronic)',
    },
    delivery: {
      none: 'Nothing to send: I have the USBKEY',
      courier: 'SF Express, freight collect',
    },
  },
  error: {
    required: '{field}: please fill in.',
    too_long: '{field}: too long, at most 200 characters.',
    bad_characters: '{field}: some characters cannot be used; please type it again.',
    bad_phone: 'This is no mobile number: 11 digits that begin with 1.',
    bad_any_phone: 'This is no phone number: a mobile number, or a fixed line with its area code.',
    bad_email: 'This is no e-mail address; they look like name{\'@\'}example.com.',
    bad_id_number: 'This is no identity card number: check the 18 characters; the last may be X.',
    bad_document: 'This is no document number: 5–30 letters and digits.',
    bad_uscc: 'This is no unified social credit code: check the 18 characters on the licence.',
    bad_organisation_code: 'This is no organisation code: 9 characters, such as 12345678-X.',
    not_as_in_certificate:
      'Differs from the certificate. A renewal is for the same holder; where something changed, call the hotline.',
    not_for_this_product: '{field}: does not belong to this kind of certificate; please clear it.',
  },
  free_capacity: {
    title: 'Room on the USBKEY',
    looking: 'Looking whether {token} has room for one more key pair…',
    fits: '{token} has room for the new key pair; the old certificate and its pair stay on it.',
    not_in: '{token} is not in; you can hand in all the same. Put it in now to know whether it has room.',
    unknown: '{token} did not say whether it has room for the new key pair. You can hand in all the same; it is looked at again before it is written.',
    again: 'Look again',
    must_agree:
      '{token} has no room for two key pairs: the old pair is removed before the new certificate is written, without a way back.',
    bids: 'If so, do not hand in yet: without the old pair nobody can open them any more. Wait until the bids are opened.',
    yes: 'There are none; I agree that the old key pair goes first',
    needed: 'First make sure that there are no such files, then choose “OK”.',
    agreed: '{token} has no room for two key pairs; you agreed that the old one goes first. You are asked once more before it is written.',
  },
  sms: {
    title: 'SMS code',
    before: "A code goes to the applicant's phone {phone}. Have it at hand before you send.",
    send: 'Send the code',
    incomplete: 'The code has six digits.',
  },
} satisfies Words['apply']
