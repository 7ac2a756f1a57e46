import type { TokensView } from '@/backend/contract'
import { type CardName, cardState, type WantedToken } from '@/components/key-card/state'

const TAIL = 4

/** A key of which no more is known than its number. */
export function keyOfId(id: string, holder?: string | null): WantedToken {
  return { token_id: id, tail: id.slice(-TAIL), holder }
}

const TROUBLES: readonly CardName[] = ['none', 'driver_missing', 'unreadable']

/** Whether the card's button helps with the key itself, and leads to no other errand. */
export function helps(keys: TokensView, wanted: WantedToken | undefined, also: readonly CardName[] = []): boolean {
  const { is } = cardState(keys, wanted)
  return TROUBLES.includes(is) || also.includes(is)
}
