import type { CertificateOnKey, KeyRef, KeysView, KeyView, MissingDriver } from '@/backend/contract'
import { currentOf } from '@/stores/keys'

/** Whose key a page needs. */
export type WantedKey = Pick<KeyRef, 'key_id' | 'tail' | 'holder'>

/** What the key card shows; one of ui.md's table. */
export type CardState =
  | { is: 'none' }
  | { is: 'reading'; key?: KeyView }
  | { is: 'driver_missing'; driver: MissingDriver }
  | { is: 'several'; keys: KeyView[] }
  | { is: 'wrong'; key: KeyView; wanted: WantedKey }
  | { is: 'unreadable'; key: KeyView }
  | { is: 'empty'; key: KeyView }
  | { is: 'locked'; key: KeyView; certificate?: CertificateOnKey }
  | { is: CertificateCard; key: KeyView; certificate: CertificateOnKey }

type CertificateCard = 'revoked' | 'ended' | 'not_yet' | 'near_end' | 'initial_pin' | 'fine'

export type CardName = CardState['is']

/** What hinders most comes first. */
export function cardState(view: KeysView, wanted?: WantedKey): CardState {
  const [key, another] = view.keys
  if (!key) return withoutKey(view)
  if (another) return { is: 'several', keys: view.keys }
  if (key.state === 'unreadable') return { is: 'unreadable', key }
  if (wanted && wanted.key_id !== key.key_id) return { is: 'wrong', key, wanted }
  if (key.state === 'reading') return { is: 'reading', key }
  const certificate = currentOf(key)
  if (key.pin.is_locked) return { is: 'locked', key, certificate }
  if (!certificate) return { is: 'empty', key }
  return { is: certificateCard(key, certificate), key, certificate }
}

function withoutKey(view: KeysView): CardState {
  const [driver] = view.drivers_missing
  if (driver) return { is: 'driver_missing', driver }
  return view.looking ? { is: 'reading' } : { is: 'none' }
}

function certificateCard(key: KeyView, certificate: CertificateOnKey): CertificateCard {
  switch (certificate.state) {
    case 'revoked':
      return 'revoked'
    case 'expired':
      return 'ended'
    case 'not_yet_valid':
      return 'not_yet'
    case 'near_end':
      return 'near_end'
    case 'valid':
      return key.pin.is_initial ? 'initial_pin' : 'fine'
  }
}
