import type { Words } from '../words'

export default {
  title: 'USBKEY',
  refresh: 'Read again',
  none_title: 'When a USBKEY is inserted, its content appears here',
  none_text: 'Certificates and their validity periods, state of the PIN, tries left, serial number and free capacity. No login, no network.',
  about: 'This USBKEY',
  model: 'Vendor and model',
  label: 'Label',
  number: 'Serial number',
  free_capacity: 'Free capacity',
  no_free_capacity: 'no more key pairs fit',
  pairs_fit: '{n} more key pair fits | {n} more key pairs fit',
  forgotten: 'Forgotten the PIN?',
  certificates: 'Certificates',
  no_certificates: 'There is no certificate on this USBKEY.',
  old_pairs:
    'There is {n} old certificate with its key pair: it is needed to decrypt files that were encrypted to it, and is never deleted automatically; it is deleted only if you choose “Remove the old key pair” in a renewal. | There are {n} old certificates with their key pairs: they are needed to decrypt files that were encrypted to them, and are never deleted automatically; they are deleted only if you choose “Remove the old key pair” in a renewal.',
  pairs_without_certificate:
    'There is {n} key pair without a certificate: an unfinished renewal may have left it, and uses or deletes it when it is continued. | There are {n} key pairs without a certificate: an unfinished renewal may have left them, and uses or deletes them when it is continued.',
  pin: {
    label: 'PIN',
    fine: 'normal',
    initial: 'still the initial one',
    last_try: 'one try left',
    locked: 'locked',
    not_set: 'not set yet',
  },
  state: {
    not_yet_valid: 'not valid yet',
    valid: 'valid',
    expiring_soon: 'expiring soon',
    expired: 'expired',
    revoked: 'revoked',
  },
  pair: {
    there: 'on this USBKEY',
    orphaned: 'incomplete; cannot be used',
    none: 'not on this USBKEY',
  },
  certificate: {
    old: 'old',
    more: 'Details',
    less: 'Less',
    export: 'Export certificate',
    saved: 'The public certificate was saved. It contains no private key; you can pass it on.',
    subject: 'Subject',
    issuer: 'Issuer',
    serial: 'Serial number',
    fingerprint: 'Fingerprint (SM3)',
    pair: 'Key pair',
  },
} satisfies Words['usbkey']
