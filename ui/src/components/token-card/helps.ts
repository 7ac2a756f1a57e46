import type { TokenRef, TokensView } from '@/backend/contract'
import { type CardName, cardState } from './state'

const TROUBLES: readonly CardName[] = ['none', 'driver_missing', 'unreadable']

/** Whether the card's button helps with the token itself, and leads to no other page. */
export function helps(tokens: TokensView, wanted: TokenRef | undefined, also: readonly CardName[] = []): boolean {
  const { is } = cardState(tokens, wanted)
  return TROUBLES.includes(is) || also.includes(is)
}
