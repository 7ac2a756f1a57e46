import type { Page } from '@playwright/test'
import { expect, type Token, type Stage, test } from './stage'
import { at, onStep } from './orders'
import { accessible, go } from './job'

const TABS = [
  'all',
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

const row = (page: Page, no: string) => page.locator(`[data-testid=order][data-no="${no}"]`)

/** One order in every state that a renewal or an unlock comes to; all of one phone. */
async function many(stage: Stage): Promise<Map<string, { token: Token; no: string }>> {
  const made = new Map<string, { token: Token; no: string }>()
  const untils = { draft: 'draft', awaiting_payment: 'handed_in', awaiting_review: 'paid', rejected: 'paid', awaiting_renewal: 'approved' } as const
  for (const [state, until] of Object.entries(untils)) {
    const token = await stage.token({ company: `${state} 公司` })
    made.set(state, { token, no: await stage.order(token, until) })
  }
  await stage.reject(made.get('rejected')?.no ?? '', '法人证件号码与登记不符')
  return made
}

test('every tab has its count, its orders or what would stand there', async ({ page, stage }) => {
  test.setTimeout(120_000)
  const made = await many(stage)
  const no = (state: string) => made.get(state)?.no ?? ''
  const [first] = made.values()
  if (!first) return
  await at(page, stage, first.token, '/orders')
  await expect(page.getByRole('tab')).toHaveCount(13)
  await expect(page.getByTestId('tab-all')).toHaveText(/全部\s*5/)
  await expect(page.locator('nav .badge').first()).toContainText('3')
  await accessible(page)
  for (const tab of TABS.slice(1)) {
    await page.getByTestId(`tab-${tab}`).click()
    await expect(page.getByTestId(`tab-${tab}`)).toHaveAttribute('aria-selected', 'true')
    if (made.has(tab)) {
      await expect(page.getByTestId('order')).toHaveCount(1)
      await expect(row(page, no(tab))).toBeVisible()
    } else await expect(page.getByTestId('empty')).toContainText('会在这里')
  }
  await page.getByTestId('tab-all').focus()
  await page.keyboard.press('Home')
  await page.keyboard.press('ArrowRight')
  await expect(page.getByTestId('tab-draft')).toBeFocused()
  await expect(page).toHaveURL(/state=draft/)

  // Rows offer what can be done now, and say why where it was rejected.
  await page.getByTestId('tab-all').click()
  await expect(page.getByTestId('order')).toHaveCount(5)
  await expect(row(page, no('rejected'))).toContainText('法人证件号码与登记不符')
  await expect(row(page, no('rejected')).getByTestId('next-change')).toHaveText('立即修改')
  await expect(row(page, no('awaiting_payment')).getByTestId('next-pay')).toHaveText('查看支付信息')
  await expect(row(page, no('awaiting_review')).getByTestId('act-edit')).toHaveText('修改')
  await row(page, no('awaiting_renewal')).getByTestId('next-write').click()
  await expect(page.getByTestId('start-renewal')).toBeVisible()
  await page.goBack()
  await expect(page.getByTestId('order')).toHaveCount(5)
})

test('an order is searched by number, company, product and day', async ({ page, stage }) => {
  const one = await stage.token({ company: '甲商贸公司' })
  const other = await stage.token({ company: '乙商贸公司', age_days: 400 })
  const no = await stage.order(one, 'draft')
  await stage.order(other, 'draft')
  await at(page, stage, one, '/orders')
  await expect(page.getByTestId('order')).toHaveCount(2)
  const search = async (field: string, typed: string) => {
    await page.getByTestId(`search-${field}`).fill(typed)
    await page.getByTestId('search').click()
  }
  const reset = () => page.getByTestId('reset').click()
  await search('no', no.slice(-8))
  await expect(page.getByTestId('order')).toHaveCount(1)
  await expect(row(page, no)).toBeVisible()
  await reset()
  await search('company', '乙商贸')
  await expect(page.getByTestId('order')).toHaveCount(1)
  // The badge counts all, not what was searched for.
  await reset()
  await search('product', '过期初购')
  await expect(page.getByTestId('order')).toHaveCount(1)
  await reset()
  await search('from', '2020-01-01')
  await expect(page.getByTestId('order')).toHaveCount(2)
  await search('to', '2020-02-01')
  await expect(page.getByTestId('empty')).toContainText('没有符合条件的订单')
  await accessible(page)
  // It stays in the address: an order and back.
  await reset()
  await search('company', '甲商贸')
  await expect(page.getByTestId('order')).toHaveCount(1)
  await page.getByTestId('see').click()
  await expect(page.getByTestId('order-page')).toBeVisible()
  await page.goBack()
  await expect(page.getByTestId('search-company')).toHaveValue('甲商贸')
  await expect(page.getByTestId('order')).toHaveCount(1)
})

test('ten rows a page; another size, the next page, a jump', async ({ page, stage }) => {
  test.setTimeout(120_000)
  const tokens: Token[] = []
  for (let n = 0; n < 23; n++) {
    const token = await stage.token({ company: `第 ${n} 公司` })
    await stage.order(token, 'draft')
    tokens.push(token)
  }
  const [token] = tokens
  if (!token) return
  await at(page, stage, token, '/orders')
  await expect(page.getByTestId('order')).toHaveCount(10)
  await expect(page.getByTestId('total')).toHaveText('共 23 条')
  await page.getByTestId('page-after').click()
  await expect(page.getByTestId('page-2')).toHaveAttribute('aria-current', 'page')
  await page.getByTestId('page-jump').fill('3')
  await page.keyboard.press('Enter')
  await expect(page.getByTestId('order')).toHaveCount(3)
  await page.getByTestId('page-jump').fill('99')
  await page.keyboard.press('Enter')
  await expect(page.getByTestId('page-jump')).toHaveValue('3')
  await page.getByTestId('page-size').selectOption('20')
  await expect(page.getByTestId('order')).toHaveCount(20)
  await accessible(page)
  // A page that is gone is no empty list.
  await go(page, '/orders?page=9')
  await expect(page.getByTestId('order')).toHaveCount(3)
})

test('a draft is deleted, an unpaid order cancelled or changed, each after it was asked about', async ({ page, stage }) => {
  const one = await stage.token({ company: '甲公司' })
  const two = await stage.token({ company: '乙公司' })
  const three = await stage.token({ company: '丙公司' })
  const draft = await stage.order(one, 'draft')
  const unpaid = await stage.order(two, 'handed_in')
  const changed = await stage.order(three, 'handed_in')
  await at(page, stage, one, '/orders')
  const dialog = page.getByRole('dialog')

  await row(page, draft).getByTestId('act-delete').click()
  await expect(dialog).toContainText(`甲公司（尾号 ${one.tail}）`)
  await accessible(page)
  await page.keyboard.press('Escape')
  await expect(dialog).toHaveCount(0)
  await expect(row(page, draft)).toBeVisible()
  await row(page, draft).getByTestId('act-delete').click()
  await dialog.getByRole('button', { name: '删除' }).click()
  await expect(row(page, draft)).toHaveCount(0)

  await row(page, unpaid).getByTestId('see').click()
  await expect(page.getByTestId('order-page')).toHaveAttribute('data-state', 'awaiting_payment')
  await page.getByTestId('act-cancel').click()
  await dialog.getByRole('button', { name: '取消订单' }).click()
  await expect(page.getByTestId('says')).toContainText('已取消，没有收费')
  await expect(page.getByTestId('timeline')).toContainText('取消')
  await expect(page.getByTestId('act-cancel')).toHaveCount(0)
  await accessible(page)

  await go(page, '/orders')
  await expect(row(page, unpaid)).toContainText('已取消')
  await page.getByTestId('tab-awaiting_payment').click()
  await expect(row(page, unpaid)).toHaveCount(0)
  await row(page, changed).getByTestId('act-edit').click()
  await expect(dialog).toContainText('回到“填写中”')
  await dialog.getByRole('button', { name: '修改' }).click()
  await onStep(page, 'applicant')
  await expect(page.getByTestId('applicant.name')).toHaveValue('经办某')
})

test('a paid order is taken out of review, and the money asked back with a reason', async ({ page, stage }) => {
  const token = await stage.token()
  const no = await stage.order(token, 'paid')
  await at(page, stage, token, `/orders/${no}`)
  await page.getByTestId('act-edit').click()
  const dialog = page.getByRole('dialog')
  await expect(dialog).toContainText('先退出审核')
  await dialog.getByRole('button', { name: '修改' }).click()
  await onStep(page, 'applicant')
  await go(page, '/orders')
  await expect(row(page, no)).toContainText('修改后重新提交不用再付款')
  await row(page, no).getByTestId('act-request_refund').click()
  await dialog.getByRole('button', { name: '申请退款' }).click()
  await expect(dialog).toContainText('请写明退款原因')
  await expect(page.getByTestId('refund-reason')).toBeFocused()
  await accessible(page)
  await page.getByTestId('refund-reason').fill('不再投标')
  await dialog.getByRole('button', { name: '申请退款' }).click()
  await expect(row(page, no)).toContainText('退款中')
  await page.getByTestId('tab-refunded').click()
  await row(page, no).getByTestId('see').click()
  await expect(page.getByTestId('timeline')).toContainText('原因：不再投标')
  await expect(page.getByTestId('says')).toContainText('等待工作人员退回款项')
})

test('an order tells who did what and when, from the form to the new certificate', async ({ page, stage }) => {
  const token = await stage.token()
  const no = await stage.order(token, 'approved')
  await stage.insert(token)
  await at(page, stage, token, `/orders/${no}/write`)
  await page.getByTestId('start-renewal').click()
  await page.getByTestId('pin-input').fill('12345678')
  await page.keyboard.press('Enter')
  await expect(page.getByTestId('outcome')).toHaveAttribute('data-outcome', 'renewed', { timeout: 30_000 })
  await go(page, `/orders/${no}`)
  await expect(page.getByTestId('order-page')).toHaveAttribute('data-state', 'completed')
  const events = await page.getByTestId('timeline').locator('li').evaluateAll((rows) => rows.map((one) => one.getAttribute('data-event')))
  expect(events).toEqual(['renewal_confirmed', 'approve_for_renewal', 'payment_received', 'submit', 'create'])
  await expect(page.getByTestId('timeline')).toContainText('工作人员')
  await expect(page.getByTestId('timeline')).toContainText('转账流水号')
  await expect(page.getByTestId('order-page')).toContainText('bidder@example.com')
  await accessible(page)
  await page.keyboard.press('Escape')
  await expect(page).toHaveURL(/#\/orders$/)
})

test('an unlock that waits for approval is in the list and leads back to the token', async ({ page, stage }) => {
  await stage.approval(true)
  const token = await stage.token()
  await stage.insert(token)
  await stage.wrongPins(token)
  await stage.open(page)
  await go(page, '/unlock')
  await page.getByTestId('start-unlock').click()
  await page.getByTestId('send-code').click()
  await page.getByTestId('code-input').fill(await stage.code(token.phone))
  await page.getByTestId('code-submit').click()
  await expect(page.getByTestId('outcome')).toHaveAttribute('data-outcome', 'awaits_approval', { timeout: 30_000 })
  await at(page, stage, token, '/orders')
  const unlock = page.getByTestId('order')
  await expect(unlock).toHaveAttribute('data-state', 'awaiting_review')
  const no = (await unlock.getAttribute('data-no')) ?? ''
  await stage.approve(no)
  await page.getByTestId('tab-awaiting_unlock').click()
  await unlock.getByTestId('see').click()
  await expect(page.getByTestId('says')).toContainText('可以设置新口令了')
  await accessible(page)
  await page.getByTestId('next-unlock').click()
  await expect(page).toHaveURL(/#\/unlock\?/)
})

test('a silent portal is told; what was there stays, and it is tried again', async ({ page, stage }) => {
  const token = await stage.token()
  const no = await stage.order(token, 'paid')
  await at(page, stage, token, '/orders')
  await expect(row(page, no)).toBeVisible()
  await stage.portal(false)
  await page.getByTestId('tab-awaiting_review').click()
  await expect(page.getByRole('alert')).toContainText('门户')
  await expect(page.locator('.silent')).toBeVisible()
  await accessible(page)
  await stage.portal(true)
  await page.getByRole('button', { name: '重试' }).click()
  await expect(row(page, no)).toBeVisible()
  await expect(page.locator('.silent')).toHaveCount(0)
})
