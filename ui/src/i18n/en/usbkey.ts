import type { Words } from '../words'

export default {
  title: 'USBKEY',
  refresh: 'Read again',
  none_title: 'Once a USBKEY is in, what is on it stands here',
  none_text: 'Certificates and their terms, the PIN and its tries, serial number and room. No login, no network.',
  about: 'This USBKEY',
  model: 'Make and model',
  label: 'Label',
  number: 'Serial number',
  free_capacity: 'Room',
  no_free_capacity: 'no more key pairs fit',
  pairs_fit: '{n} more key pair fits | {n} more key pairs fit',
  forgotten: 'Forgotten it?',
  certificates: 'Certificates',
  no_certificates: 'There is no certificate on this USBKEY.',
  old_pairs:
    'There is {n} old certificate with its key pair: it decrypts what was encrypted to it, and is never deleted by itself; only where “remove the old key pair” is chosen in a renewal. | There are {n} old certificates with their key pairs: they decrypt what was encrypted to them, and are never deleted by themselves; only where “remove the old key pair” is chosen in a renewal.',
  pairs_without_certificate:
    'There is {n} key pair without a certificate: a renewal that was not finished may have left it, and uses or clears it when it goes on. | There are {n} key pairs without a certificate: a renewal that was not finished may have left them, and uses or clears them when it goes on.',
  pin: {
    label: 'PIN',
    fine: 'fine',
    initial: 'still the initial one',
    last_try: 'one try left',
    locked: 'locked',
    not_set: 'not set yet',
  },
  state: {
    not_yet_valid: 'not valid yet',
    valid: 'valid',
    expiring_soon: 'near its end',
    expired: 'expired',
    revoked: 'revoked',
  },
  pair: {
    there: 'on this USBKEY',
    orphaned: 'one half only; cannot be used',
    none: 'not on this USBKEY',
  },
  certificate: {
    old: 'old',
    more: 'Details',
    less: 'Less',
    export: 'Export certificate',
    saved: 'The public certificate is saved. No private key is in it; you can hand it on.',
    subject: 'Subject',
    issuer: 'Issuer',
    serial: 'Serial number',
    fingerprint: 'Fingerprint (SM3)',
    pair: 'Key pair',
  },
} satisfies Words['usbkey']
