import type { RouteLocationRaw } from 'vue-router'

/** The manual's; for a machine that has not heard its project yet. */
export const HOTLINE = '400-666-3999'

/** In the order in which people meet them. Each is an anchor of the page. */
export const PROBLEMS = [
  'no-reaction',
  'driver',
  'pin',
  'pulled',
  'several',
  'expired',
  'bids',
  'code',
  'portal',
  'revoked',
  'lost',
  'invoice',
] as const

export type Problem = (typeof PROBLEMS)[number]

/** Where something can be done at once. */
export const LINKS: Partial<Record<Problem, { to: RouteLocationRaw; word: string }>> = {
  'no-reaction': { to: { name: 'diagnosis' }, word: 'common.nav.diagnosis' },
  pin: { to: { name: 'unlock' }, word: 'common.kind.unlock' },
  pulled: { to: { name: 'home' }, word: 'common.nav.home' },
  expired: { to: { name: 'certificates' }, word: 'common.nav.certificates' },
  portal: { to: { name: 'diagnosis' }, word: 'common.nav.diagnosis' },
}
