import type { Words } from '../words'

export default {
  title: 'Certificates',
  search_label: 'Holder, serial number or USBKEY number',
  none: 'No certificates yet',
  none_about:
    'Certificates bound to your phone stand here. Where one is bound to another phone, log in with that one or call the hotline.',
  none_found: 'No certificates found',
  none_found_about: 'Search for a part of the name or number alone.',
  person: '{name} ({person})',
  until: 'Valid until',
  serial: 'Serial number',
  phone: 'Bound phone',
  token: 'USBKEY number',
  holder: 'Holder',
  holder_person: 'Legal representative',
  uscc: 'Social credit code',
  validity: 'Term',
  product: 'Product',
  order: 'Order under way',
  unlock: 'Unlock',
  superseded: 'A new certificate has taken its place.',
  see_new: 'See the new one',
  revoked_because: '{text} Reason: {reason}.',
  open: 'Under way: {kind}, {state}.',
  state: {
    valid: 'Valid',
    expiring_soon: 'Near its end',
    expired: 'Expired',
    revoked: 'Revoked',
    superseded: 'Superseded',
  },
  action: {
    renew: 'Renew',
    expired_purchase: 'Buy anew',
  },
  choose_validity: 'Choose the term',
  new_until: 'valid until {date}',
  old_until: 'Old certificate valid until',
  then_until: 'New certificate valid until',
  counted_from_writing:
    'The new certificate is valid for {n} year from the day it is written | The new certificate is valid for {n} years from the day it is written',
  begin: 'Fill in the form',
  begin_about: 'About 5 minutes, saved as you type. Before handing it in you can leave or delete it, free of charge.',
  before: {
    papers: 'Have at hand',
    papers_company:
      "Business licence, the applicant's and the legal representative's documents, what the invoice needs; the applicant's phone",
    papers_person: 'Your identity document, what the invoice needs; your phone',
    time: 'How long it takes',
    time_about: '1–3 working days for the review of a complete order, told by SMS; then about a minute to write the USBKEY',
    pay: 'How to pay',
    pay_about: 'By bank transfer after handing it in; the electronic invoice comes by e-mail',
    token: 'USBKEY',
    token_about:
      'The one you have (ending in {tail}); no other is sent. Put it in before handing in to know whether it has room for the new key pair',
  },
} satisfies Words['certificates']
