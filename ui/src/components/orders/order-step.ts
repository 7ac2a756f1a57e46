import type { RouteLocationRaw } from 'vue-router'
import type { OrderKind, OrderNote, PublicStatus } from '@/backend/contract'

/** What is known of an order wherever one is named. */
export interface OrderNamed {
  no: string
  kind: OrderKind
  state: PublicStatus
  note?: OrderNote | null
  token_id?: string
}

export type NextStep = 'fill_in' | 'change' | 'pay' | 'progress' | 'write' | 'unlock' | 'see'

/** What the applicant does next with an order: the word of the button (`orders.next.*`), and where it leads. */
export function nextStep(order: OrderNamed): { name: NextStep; to: RouteLocationRaw } {
  const params = { no: order.no }
  const here = (name: NextStep) => ({ name, to: { name: 'order', params } })
  if (order.note === 'cancelled' || order.note === 'lapsed' || order.note === 'refund_pending') return here('see')
  if (order.note === 'operator_care') return here('progress')
  if (order.kind === 'unlock') {
    const asksAgain = order.state === 'awaiting_unlock' || order.state === 'rejected'
    if (!asksAgain) return here(order.state === 'awaiting_review' ? 'progress' : 'see')
    return { name: 'unlock', to: { name: 'unlock', query: { ...(order.token_id && { token: order.token_id }), order: order.no } } }
  }
  switch (order.state) {
    case 'draft':
      return { name: order.note === 'revision' ? 'change' : 'fill_in', to: { name: 'apply', params } }
    case 'awaiting_payment':
      return { name: 'pay', to: { name: 'apply', params } }
    case 'rejected':
      return { name: 'change', to: { name: 'apply', params } }
    case 'awaiting_renewal':
      return { name: 'write', to: { name: 'write', params } }
    case 'awaiting_review':
    case 'awaiting_personalization':
    case 'awaiting_recovery':
    case 'awaiting_shipment':
    case 'awaiting_download':
      return here('progress')
    case 'awaiting_unlock':
    case 'completed':
    case 'refunded':
      return here('see')
  }
}

export const STATES: readonly PublicStatus[] = [
  'draft',
  'awaiting_payment',
  'awaiting_review',
  'rejected',
  'awaiting_personalization',
  'awaiting_renewal',
  'awaiting_recovery',
  'awaiting_shipment',
  'completed',
  'refunded',
  'awaiting_download',
  'awaiting_unlock',
]
