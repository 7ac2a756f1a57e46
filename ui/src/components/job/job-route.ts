import type { RouteLocationRaw } from 'vue-router'
import type { JobKind } from '@/backend/contract'

/** What is known of a job that runs, or of one that is unfinished. */
interface JobRef {
  kind: JobKind
  order?: string | null
  token_id?: string
}

/** The page of a job. */
export function routeOf({ kind, order, token_id }: JobRef): RouteLocationRaw {
  switch (kind) {
    case 'renewal':
    case 'give_up':
      return order ? { name: 'write', params: { no: order } } : { name: 'orders' }
    case 'unlock':
      return { name: 'unlock', query: { ...(token_id && { token: token_id }), ...(order && { order }) } }
    case 'pin_change':
      return { name: 'pin-change', query: token_id ? { token: token_id } : {} }
  }
}
