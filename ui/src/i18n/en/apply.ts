import type { Words } from '../words'

export default {
  title: 'Form',
  required: '(required)',
  about:
    'Prefilled from your last order and from the certificate; please check it. It is saved as you type: you can leave at any time and continue later.',
  delivery_about: 'A renewal is written to the USBKEY you already have; normally nothing is shipped.',
  saving: 'Saving…',
  saved: 'Saved',
  saved_at: 'Saved {time}',
  unsaved:
    'The portal does not respond, so your latest input is not saved there yet. It stays on this page and is saved as soon as the portal responds; you can keep typing.',
  rejected: 'The review was not passed: {reason}.',
  rejected_about: 'Correct the form and submit it again; no further payment is needed.',
  previous: 'Back',
  later: 'Later',
  change: 'Change',
  change_what: 'Change: {what}',
  nothing: '(empty)',
  years: '{n} year | {n} years',
  paid: '{amount} paid, no further payment needed',
  agreement: 'I confirm that this information is true, correct and complete, and agree that the certificate is issued with it.',
  agree_first: 'Tick the confirmation above, then choose “OK”.',
  pay_title: 'Please pay by bank transfer',
  to_order: 'View progress',
  to_order_about:
    'Our staff record your transfer when it arrives; then the order is reviewed. You are informed of the result by SMS within 1–3 working days.',
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
    check: 'Check the form, then submit it',
  },
  field: {
    applicant: {
      name: 'Name of the applicant',
      phone: 'Mobile number',
      email: 'E-mail',
      id_type: 'Document type',
      id_number: 'Document number',
    },
    legal_representative: { name: 'Legal representative', id_type: 'Document type', id_number: 'Document number' },
    company: {
      name: 'Company name',
      kind: 'Company type',
      code_type: 'Code type',
      code: 'Company code',
      industry: 'Industry',
    },
    invoice: {
      kind: 'Invoice type',
      title: 'Invoice title',
      tax_number: 'Tax number',
      bank: 'Bank',
      account: 'Account number',
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
      phone: '11 digits; SMS notifications are sent here',
      email: 'The electronic invoice is sent here',
    },
    company: {
      name: 'As on the business licence',
      code: 'A unified social credit code has 18 characters',
    },
    invoice: {
      title: "Usually the company's name",
    },
    delivery: {
      region: 'Province, city, district',
    },
  },
  option: {
    id_type: {
      identity_card: 'Resident identity card',
      passport: 'Passport',
      travel_permit: 'Travel permit (Hong Kong, Macao, Taiwan)',
      other: 'Other document',
    },
    company: {
      code_type: {
        uscc: 'Unified social credit code',
        organization: 'Organization code',
        other: 'Other code',
      },
    },
    invoice: {
      ordinary: 'Ordinary VAT invoice (electronic)',
      special: 'Special VAT invoice (electronic)',
    },
    delivery: {
      none: 'No delivery: I have the USBKEY',
      courier: 'SF Express, freight collect',
    },
  },
  error: {
    required: '{field}: required.',
    too_long: '{field}: too long, at most 200 characters.',
    bad_characters: '{field}: contains characters that are not allowed; please type it again.',
    bad_phone: 'Invalid mobile number: 11 digits that begin with 1.',
    bad_any_phone: 'Invalid phone number: a mobile number, or a landline with its area code.',
    bad_email: 'Invalid e-mail address; an example is name{\'@\'}example.com.',
    bad_id_number: 'Invalid identity card number: check the 18 characters; the last may be X.',
    bad_document: 'Invalid document number: 5–30 letters and digits.',
    bad_uscc: 'Invalid unified social credit code: check the 18 characters on the business licence.',
    bad_organization_code: 'Invalid organization code: 9 characters, such as 12345678-X.',
    not_as_in_certificate:
      'Differs from the certificate. A renewal is for the same holder; if something has changed, call the hotline.',
    not_for_this_product: '{field}: not used for this type of certificate; please clear it.',
  },
  free_capacity: {
    title: 'Free capacity of the USBKEY',
    looking: 'Checking whether {token} can hold another key pair…',
    fits: '{token} can hold the new key pair; the old certificate and its key pair stay on it.',
    not_in: '{token} is not inserted; you can submit the order all the same. Insert it now to know whether it can hold the new key pair.',
    unknown: '{token} did not tell whether it can hold the new key pair. You can submit the order all the same; it is checked again before writing.',
    again: 'Check again',
    must_agree:
      '{token} cannot hold two key pairs: the old key pair is deleted before the new certificate is written, and cannot be recovered.',
    bids: 'If so, do not submit yet: without the old key pair, these files can never be decrypted. Wait until the bids have been opened.',
    yes: 'There are no such files; I agree that the old key pair is deleted first',
    needed: 'First make sure that there are no such files, then choose “OK”.',
    agreed: '{token} cannot hold two key pairs; you agreed that the old one is deleted first. You will be asked once more before writing.',
  },
  sms: {
    title: 'SMS code',
    before: "A code will be sent to the applicant's phone {phone}. Make sure that the phone is at hand first.",
    send: 'Send the code',
    incomplete: 'The code has six digits.',
  },
} satisfies Words['apply']
