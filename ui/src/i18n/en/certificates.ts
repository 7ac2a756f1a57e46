import type { Words } from '../words'

export default {
  title: 'Certificates',
  search_label: 'Holder, serial number or USBKEY number',
  none: 'No certificates yet',
  none_about:
    'Certificates bound to your phone appear here. If a certificate is bound to another phone, log in with that one or call the hotline.',
  none_found: 'No certificates found',
  none_found_about: 'Search for a part of the name or number only.',
  person: '{name} ({person})',
  until: 'Valid until',
  serial: 'Serial number',
  phone: 'Bound phone',
  token: 'USBKEY number',
  holder: 'Holder',
  holder_person: 'Legal representative',
  uscc: 'Unified social credit code',
  validity: 'Validity period',
  product: 'Product',
  order: 'Open order',
  unlock: 'Unlock',
  superseded: 'A new certificate has replaced this one.',
  see_new: 'View the new certificate',
  revoked_because: '{text} Reason: {reason}.',
  open: 'In progress: {kind}, {state}.',
  state: {
    valid: 'Valid',
    expiring_soon: 'Expiring soon',
    expired: 'Expired',
    revoked: 'Revoked',
    superseded: 'Superseded',
  },
  action: {
    renew: 'Renew',
    expired_purchase: 'Repurchase',
  },
  choose_validity: 'Choose the validity period',
  new_until: 'valid until {date}',
  old_until: 'Old certificate valid until',
  then_until: 'New certificate valid until',
  counted_from_writing:
    'The new certificate is valid for {n} year from the day it is written | The new certificate is valid for {n} years from the day it is written',
  begin: 'Fill in the form',
  begin_about: 'About 5 minutes, saved as you type. Until you submit it, you can leave or delete it free of charge.',
  before: {
    papers: 'Have ready',
    papers_company:
      "Business licence, identity documents of the applicant and the legal representative, invoice details; the applicant's phone",
    papers_person: 'Your identity document, invoice details; your phone',
    time: 'How long it takes',
    time_about: '1–3 working days for the review of a complete order, with notification by SMS; then about a minute to write the USBKEY',
    pay: 'How to pay',
    pay_about: 'By bank transfer after submission; the electronic invoice is sent by e-mail',
    token: 'USBKEY',
    token_about:
      'The one you have ({tail}); no new one is shipped. Insert it before you submit to know whether it can hold the new key pair',
  },
} satisfies Words['certificates']
