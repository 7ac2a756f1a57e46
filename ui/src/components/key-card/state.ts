import type { CertificateOnToken, TokenRef, TokensView, TokenView, MissingDriver } from '@/backend/contract'
import { currentOf } from '@/stores/keys'

/** Whose key a page needs. */
export type WantedToken = Pick<TokenRef, 'token_id' | 'tail' | 'holder'>

/** What the key card shows; one of ui.md's table. */
export type CardState =
  | { is: 'none' }
  | { is: 'reading'; key?: TokenView }
  | { is: 'driver_missing'; driver: MissingDriver }
  | { is: 'several'; keys: TokenView[] }
  | { is: 'wrong'; key: TokenView; wanted: WantedToken }
  | { is: 'unreadable'; key: TokenView }
  | { is: 'empty'; key: TokenView }
  | { is: 'locked'; key: TokenView; certificate?: CertificateOnToken }
  | { is: CertificateCard; key: TokenView; certificate: CertificateOnToken }

type CertificateCard = 'revoked' | 'ended' | 'not_yet' | 'expiring_soon' | 'initial_pin' | 'fine'

export type CardName = CardState['is']

/** What hinders most comes first. */
export function cardState(view: TokensView, wanted?: WantedToken): CardState {
  const [key, another] = view.keys
  if (!key) return withoutKey(view)
  if (another) return { is: 'several', keys: view.keys }
  if (key.state === 'unreadable') return { is: 'unreadable', key }
  if (wanted && wanted.token_id !== key.token_id) return { is: 'wrong', key, wanted }
  if (key.state === 'reading') return { is: 'reading', key }
  const certificate = currentOf(key)
  if (key.pin.is_locked) return { is: 'locked', key, certificate }
  if (!certificate) return { is: 'empty', key }
  return { is: certificateCard(key, certificate), key, certificate }
}

function withoutKey(view: TokensView): CardState {
  const [driver] = view.drivers_missing
  if (driver) return { is: 'driver_missing', driver }
  return view.looking ? { is: 'reading' } : { is: 'none' }
}

function certificateCard(key: TokenView, certificate: CertificateOnToken): CertificateCard {
  switch (certificate.state) {
    case 'revoked':
      return 'revoked'
    case 'expired':
      return 'ended'
    case 'not_yet_valid':
      return 'not_yet'
    case 'expiring_soon':
      return 'expiring_soon'
    case 'valid':
      return key.pin.is_initial ? 'initial_pin' : 'fine'
  }
}
