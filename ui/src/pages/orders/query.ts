import type { LocationQuery, LocationQueryRaw } from 'vue-router'
import type { OrderQuery, PublicStatus } from '@/backend/contract'
import { STATES } from '@/components/orders/order-step'

/** What 我的订单 shows; kept in the page's address, so that “back” from an order leads to the same list. */
export interface Shown {
  state: PublicStatus | undefined
  no: string
  company: string
  product: string
  /** `2026-11-02`, in this machine's time zone. */
  from: string
  to: string
  page: number
  size: number
}

export type Search = Pick<Shown, 'no' | 'company' | 'product' | 'from' | 'to'>

export const NO_SEARCH: Search = { no: '', company: '', product: '', from: '', to: '' }
const SIZE = 10

export function shownBy(query: LocationQuery): Shown {
  const text = (name: string) => {
    const value = query[name]
    return typeof value === 'string' ? value : ''
  }
  const number = (name: string, otherwise: number) => {
    const value = Number.parseInt(text(name), 10)
    return value >= 1 ? value : otherwise
  }
  return {
    state: STATES.find((state) => state === query.state),
    no: text('no'),
    company: text('company'),
    product: text('product'),
    from: text('from'),
    to: text('to'),
    page: number('page', 1),
    size: Math.min(100, number('size', SIZE)),
  }
}

export function addressOf({ state, page, size, ...search }: Shown): LocationQueryRaw {
  const set = Object.entries(search).filter(([, value]) => value !== '')
  return {
    ...(state && { state }),
    ...Object.fromEntries(set),
    ...(page > 1 && { page: String(page) }),
    ...(size !== SIZE && { size: String(size) }),
  }
}

export function isSearch(shown: Search): boolean {
  return Object.keys(NO_SEARCH).some((name) => shown[name as keyof Search] !== '')
}

/** For the portal: whole days of this machine's time zone. */
export function queryOf({ state, no, company, product, from, to, page, size }: Shown): OrderQuery {
  return {
    state,
    no: no.trim() || undefined,
    company: company.trim() || undefined,
    product: product.trim() || undefined,
    created_from: instant(from, '00:00:00.000'),
    created_to: instant(to, '23:59:59.999'),
    page,
    page_size: size,
  }
}

function instant(day: string, time: string): string | undefined {
  const at = new Date(`${day}T${time}`)
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString()
}
