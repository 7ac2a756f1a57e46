import type { RouteLocationRaw } from 'vue-router'
import type { JobView } from '@/backend/contract'

/** The page of a work. */
export function wayTo({ kind, order, key }: Pick<JobView, 'kind' | 'order' | 'key'>): RouteLocationRaw {
  switch (kind) {
    case 'renewal':
    case 'give_up':
      return order ? { name: 'write', params: { no: order } } : { name: 'orders' }
    case 'unlock':
      return { name: 'unlock', query: { ...(key && { key: key.token_id }), ...(order && { order }) } }
    case 'pin_change':
      return { name: 'pin-change', query: key ? { key: key.token_id } : {} }
  }
}
