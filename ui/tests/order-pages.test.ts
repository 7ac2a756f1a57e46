import { flushPromises } from '@vue/test-utils'
import { describe, expect, test, vi } from 'vitest'
import type { CertificateView, OrderAction, OrderKind, OrderNote, PublicStatus, OrderView } from '@/backend/contract'
import App from '@/App.vue'
import { nextStep, STATES } from '@/components/orders/order-step'
import zh from '@/i18n/zh'
import { addressOf, queryOf, shownBy } from '@/pages/orders/query'
import { FakeBackend, commandError, show, startView } from './fake'
import { certificateView, NO, orderList, orderSummary, orderView, product } from './orders'

/** A page is loaded when it is first gone to; on a machine with much else to do that takes its time. */
const TIMEOUT = { timeout: 20_000 }
vi.setConfig({ testTimeout: 30_000 })

const start = () => startView({ session: { phone: '138****0000' } })

describe('我的订单', () => {
  async function orders(items = [orderSummary()], at = '/orders', total?: number) {
    const backend = new FakeBackend({
      start,
      orders: () => orderList(items, total),
      delete_order: () => ({}),
      request_refund: () => orderView({ state: 'refunded', note: 'refund_pending' }),
      order: () => orderView(),
    })
    return show(App, { backend, at })
  }

  test('has 全部 and the twelve states, in their order, with how many there are', async () => {
    const { wrapper } = await orders([orderSummary({ state: 'rejected', actions: [] })])
    const tabs = wrapper.findAll('[role=tab]').map((tab) => tab.text().replace(/\s+/g, ' '))
    expect(tabs).toEqual(['全部 1', ...STATES.map((state) => zh.orders.state[state] + (state === 'rejected' ? ' 1' : ''))])
  })

  test('says on the row why an order was rejected', async () => {
    const { wrapper } = await orders([orderSummary({ state: 'rejected', reject_reason: '公章不清晰', actions: ['save_form', 'confirm', 'request_refund'] })])
    const row = wrapper.get('[data-testid=order]')
    expect(row.text()).toContain('公章不清晰')
    expect(row.get('[data-testid=next-change]').text()).toBe('立即修改')
    expect(row.get('[data-testid=act-request_refund]').text()).toBe('申请退款')
  })

  test('searches by what the address says, and the badge counts all the same', async () => {
    const { wrapper, backend, router } = await orders([orderSummary({ state: 'awaiting_payment', actions: ['pay'] })], '/orders?company=甲&page=1')
    expect(backend.last('orders')).toMatchObject({ query: { company: '甲', page: 1, page_size: 10 } })
    await wrapper.get('[data-testid=search-no]').setValue('152')
    await wrapper.get('[role=search]').trigger('submit')
    await flushPromises()
    expect(router.currentRoute.value.query).toEqual({ company: '甲', no: '152' })
    expect(backend.last('orders')).toMatchObject({ query: { company: '甲', no: '152' } })
  })

  test.each(STATES)('an empty tab says what would stand there: %s', async (state) => {
    const { wrapper } = await orders([], `/orders?state=${state}`)
    expect(wrapper.get('[data-testid=empty]').text()).toContain('会在这里')
  })

  test('asks before it deletes, and reads the list again', async () => {
    const { wrapper, backend } = await orders()
    await wrapper.get('[data-testid=act-delete]').trigger('click')
    await flushPromises()
    const dialog = document.querySelector('[role=dialog]')
    expect(dialog?.textContent).toContain('示例公司（尾号 3F21）')
    expect(backend.count('delete_order')).toBe(0)
    const before = backend.count('orders')
    ;[...document.querySelectorAll<HTMLElement>('.el-dialog button')].find((button) => button.textContent.includes('删除'))?.click()
    await flushPromises()
    expect(backend.last('delete_order')).toEqual({ no: NO })
    expect(backend.count('orders')).toBeGreaterThan(before)
  })

  test('pages: a page that is gone leads to the last', async () => {
    const { wrapper, router } = await orders([orderSummary()], '/orders?page=9', 25)
    await flushPromises()
    expect(router.currentRoute.value.query.page).toBe('3')
    await wrapper.get('[data-testid=page-jump]').setValue('x')
    await wrapper.get('[data-testid=page-jump]').trigger('blur')
    expect(wrapper.get<HTMLInputElement>('[data-testid=page-jump]').element.value).toBe('3')
    await wrapper.get('[data-testid=page-before]').trigger('click')
    await flushPromises()
    expect(router.currentRoute.value.query.page).toBe('2')
    await wrapper.get('[data-testid=page-size]').setValue('50')
    await flushPromises()
    expect(router.currentRoute.value.query).toEqual({ size: '50' })
  })
})

test('days are whole days of this machine; nonsense in the address is nothing', () => {
  const shown = shownBy({ from: '2026-11-01', to: '2026-11-02', state: 'nonsense', page: '-3', size: '1000' })
  expect(shown).toMatchObject({ state: undefined, page: 1, size: 100 })
  const { created_from, created_to } = queryOf(shown)
  expect(new Date(created_to ?? '').getTime() - new Date(created_from ?? '').getTime()).toBe(2 * 86_400_000 - 1)
  expect(queryOf(shownBy({ from: 'x' })).created_from).toBeUndefined()
  expect(addressOf(shownBy({ state: 'draft', page: '2' }))).toEqual({ state: 'draft', page: '2' })
})

describe('an order', () => {
  async function order(changed: Partial<OrderView>) {
    const backend = new FakeBackend({ start, orders: () => orderList([]), order: () => orderView(changed) })
    return show(App, { backend, at: `/orders/${NO}` })
  }

  test.each<[state: PublicStatus, action: OrderAction, testid: string, to: string]>([
    ['draft', 'save_form', 'next-fill_in', `/orders/${NO}/apply`],
    ['rejected', 'save_form', 'next-change', `/orders/${NO}/apply`],
    ['awaiting_renewal', 'write_token', 'next-write', `/orders/${NO}/write`],
  ])('%s: its next step is the one filled button', async (state, action, testid, to) => {
    const { wrapper, router } = await order({ state, actions: [action], work_until: '2027-02-01T00:00:00Z' })
    const filled = wrapper.findAll('main .el-button--primary:not(.is-link)')
    expect(filled.map((button) => button.attributes('data-testid'))).toEqual([testid])
    await filled[0]?.trigger('click')
    await vi.waitFor(() => expect(router.currentRoute.value.path).toBe(to), TIMEOUT)
  })

  test('to be paid shows where the money goes', async () => {
    const { wrapper } = await order({ state: 'awaiting_payment', actions: ['pay', 'edit', 'cancel'] })
    expect(wrapper.get('[data-testid=pay-amount]').text()).toBe('400.00 元')
    expect(wrapper.get('[data-testid=payment]').text()).toContain('0000 1111')
  })

  test('tells what happened, the newest first', async () => {
    const at = '2026-11-20T04:00:00Z'
    const { wrapper } = await order({
      state: 'rejected',
      reject_reason: '不清晰',
      timeline: [
        { at, event: 'create', state: 'draft', note: null, actor: 'applicant', reason: null },
        { at, event: 'reject', state: 'rejected', note: null, actor: 'operator', reason: '不清晰' },
        { at, event: 'something_new', state: 'awaiting_review', note: null, actor: 'system', reason: null },
      ],
    })
    const rows = wrapper.findAll('[data-testid=timeline] li').map((row) => row.text())
    expect(rows[0]).toContain('待审核')
    expect(rows[1]).toContain('审核没有通过')
    expect(rows[1]).toContain('原因：不清晰')
    expect(rows[2]).toContain('开始填写')
  })

  test('every state, kind and note has its words', () => {
    const kinds: OrderKind[] = ['renewal', 'expired_purchase', 'unlock']
    const notes: (OrderNote | null)[] = [null, 'cancelled', 'lapsed', 'revision', 'refund_pending', 'operator_care']
    for (const state of STATES) {
      expect(zh.orders.says[state], state).toBeTruthy()
      for (const kind of kinds) {
        for (const note of notes) {
          const { name } = nextStep({ no: NO, kind, state, note })
          expect(zh.orders.next[name], name).toBeTruthy()
        }
      }
    }
  })
})

describe('我的证书', () => {
  async function certificates(...items: CertificateView[]) {
    const backend = new FakeBackend({
      start,
      orders: () => orderList([]),
      certificates: () => ({ items, page: 1, page_size: 10, total: items.length }),
      certificate: () => items[0] ?? certificateView(),
      products: () => [product()],
      project: () => Promise.reject(commandError()),
      create_order: () => orderView(),
      order: () => orderView(),
    })
    return show(App, { backend, at: '/certificates' })
  }

  test.each<[Partial<CertificateView>, word: string, to: string]>([
    [{}, '更新', '/renew?certificate=0A1B2C3D'],
    [{ state: 'expired', days_left: -3, actions: ['expired_purchase'] }, '过期初购', '/renew?certificate=0A1B2C3D'],
    [{ actions: [], open_order: { no: NO, kind: 'renewal', state: 'draft' } }, '继续填写', `/orders/${NO}/apply`],
    [{ actions: [], open_order: { no: NO, kind: 'renewal', state: 'awaiting_review' } }, '查看进度', `/orders/${NO}`],
    [{ actions: [], open_order: { no: NO, kind: 'renewal', state: 'awaiting_renewal' } }, '更新', `/orders/${NO}/write`],
  ])('one button by state: %j', async (changed, word, to) => {
    const { wrapper, router } = await certificates(certificateView(changed))
    const [button] = wrapper.findAll('[data-testid=certificate] button').filter((one) => one.attributes('data-testid')?.startsWith('go-'))
    expect(button?.text()).toBe(word)
    await button?.trigger('click')
    await vi.waitFor(() => expect(router.currentRoute.value.fullPath).toBe(to), TIMEOUT)
  })

  test('revoked: neither, and it says so', async () => {
    const { wrapper } = await certificates(certificateView({ state: 'revoked', actions: [], revoked_reason: '遗失' }))
    const card = wrapper.get('[data-testid=certificate]')
    expect(card.text()).toContain('这张证书已吊销，不能更新。需要新证书请办理初购或补办。吊销原因：遗失。')
    expect(card.findAll('button').map((button) => button.text())).toEqual(['复制'])
  })

  test('before starting: price per validity period, both ends side by side; then an order is created', async () => {
    const { wrapper, backend, router } = await certificates(certificateView())
    await router.push('/renew?certificate=0A1B2C3D')
    await flushPromises()
    expect(wrapper.get('[data-testid=before]').text()).toContain('1200.00 元')
    await wrapper.get('[data-testid=validity-3]').setValue(true)
    expect(wrapper.get('[data-testid=before] .compare').text()).toMatch(/2026-12-20.*2029-12-20/)
    await wrapper.get('[data-testid=before]').trigger('submit')
    await flushPromises()
    expect(backend.last('create_order')).toEqual({ order: { kind: 'renewal', certificate: '0A1B2C3D', validity_years: 3 } })
    expect(router.currentRoute.value.path).toBe(`/orders/${NO}/apply`)
  })
})
