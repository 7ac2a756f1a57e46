import type { CertificateOnToken, MissingDriver, OnTokenState, TokenRef, TokensView, TokenView } from '@/backend/contract'
import { currentOf } from '@/stores/tokens'

/** What the token card shows. */
export type CardState =
  | { is: 'none' }
  | { is: 'reading'; token?: TokenView }
  | { is: 'driver_missing'; driver: MissingDriver }
  | { is: 'several'; tokens: TokenView[] }
  | { is: 'wrong'; token: TokenView; wanted: TokenRef }
  | { is: 'unreadable'; token: TokenView }
  | { is: 'empty'; token: TokenView }
  | { is: 'locked'; token: TokenView; certificate?: CertificateOnToken }
  | { is: CertificateCard; token: TokenView; certificate: CertificateOnToken }

type CertificateCard = Exclude<OnTokenState, 'valid'> | 'initial_pin' | 'fine'

export type CardName = CardState['is']

/** What hinders most comes first. */
export function cardState(view: TokensView, wanted?: TokenRef): CardState {
  const [token, another] = view.tokens
  if (!token) return withoutToken(view)
  if (another) return { is: 'several', tokens: view.tokens }
  if (token.state === 'unreadable') return { is: 'unreadable', token }
  if (wanted && wanted.token_id !== token.token_id) return { is: 'wrong', token, wanted }
  if (token.state === 'reading') return { is: 'reading', token }
  const certificate = currentOf(token)
  if (token.pin.is_locked) return { is: 'locked', token, certificate }
  if (!certificate) return { is: 'empty', token }
  return { is: certificateCard(token, certificate), token, certificate }
}

function withoutToken(view: TokensView): CardState {
  const [driver] = view.drivers_missing
  if (driver) return { is: 'driver_missing', driver }
  return view.looking ? { is: 'reading' } : { is: 'none' }
}

function certificateCard(token: TokenView, { state }: CertificateOnToken): CertificateCard {
  if (state !== 'valid') return state
  return token.pin.is_initial ? 'initial_pin' : 'fine'
}
