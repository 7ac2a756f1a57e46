import type { Page } from '@playwright/test'
import { expect, test } from './stage'
import { at } from './orders'
import { accessible, go } from './job'

const row = (page: Page, serial: string) => page.locator(`[data-testid=certificate][data-serial="${serial}"]`)

test('each certificate tells its state, and offers what can be done with it', async ({ page, stage }) => {
  const expiring = await stage.token()
  const valid = await stage.token({ age_days: 10, company: '乙公司' })
  const expired = await stage.token({ age_days: 400, company: '丙公司' })
  const revoked = await stage.token({ age_days: 20, company: '丁公司' })
  await stage.revoke(revoked)
  await at(page, stage, expiring, '/certificates')

  await expect(page.getByTestId('certificate')).toHaveCount(4)
  await expect(row(page, expiring.certificate)).toHaveAttribute('data-state', 'expiring_soon')
  await expect(row(page, expiring.certificate)).toContainText(expiring.tail)
  await expect(row(page, expiring.certificate)).toContainText('138****0000')
  await expect(row(page, expiring.certificate)).toContainText('还有')
  await expect(row(page, expiring.certificate).getByTestId('go-renew')).toHaveText('更新')
  await expect(row(page, valid.certificate)).toHaveAttribute('data-state', 'valid')
  await expect(row(page, valid.certificate).getByTestId('go-renew')).toBeVisible()
  await expect(row(page, expired.certificate)).toContainText('可用这支 USBKEY 办理')
  await expect(row(page, expired.certificate).getByTestId('go-expired_purchase')).toHaveText('过期初购')

  const dead = row(page, revoked.certificate)
  await expect(dead).toHaveAttribute('data-state', 'revoked')
  await expect(dead).toContainText('这张证书已吊销，不能更新。需要新证书请办理初购或补办。')
  await expect(dead).toContainText('吊销原因：遗失')
  await expect(dead.getByRole('button', { name: /更新|过期初购|解锁|补办|初购/ })).toHaveCount(0)
  await accessible(page)
  await go(page, `/renew?certificate=${revoked.certificate}`)
  await expect(page.getByTestId('not-offered')).toContainText('已吊销，不能更新')
  await expect(page.getByTestId('begin')).toHaveCount(0)
  await accessible(page)

  await go(page, `/certificates/${expiring.certificate}`)
  await expect(page.getByTestId('certificate-page')).toContainText(expiring.token_id)
  await accessible(page)
  await page.getByTestId('go-unlock').click()
  await expect(page).toHaveURL(new RegExp(`#/unlock\\?token=${expiring.token_id}`))
})

test('the button of a certificate leads to its order, whatever its state', async ({ page, stage }) => {
  const token = await stage.token()
  const no = await stage.order(token, 'draft')
  await at(page, stage, token, '/certificates')
  const card = row(page, token.certificate)
  await expect(card).toContainText('正在办理：证书更新，填写中。')
  await card.getByTestId('go-fill_in').click()
  await expect(page).toHaveURL(new RegExp(`#/orders/${no}/apply`))
  await go(page, `/renew?certificate=${token.certificate}`)
  await expect(page).toHaveURL(new RegExp(`#/orders/${no}/apply`))
})

test('superseded certificates point to their successor', async ({ page, stage }) => {
  const token = await stage.token()
  const no = await stage.order(token, 'approved')
  await stage.insert(token)
  await at(page, stage, token, `/orders/${no}/write`)
  await page.getByTestId('start-renewal').click()
  await page.getByTestId('pin-input').fill('12345678')
  await page.keyboard.press('Enter')
  await expect(page.getByTestId('outcome')).toHaveAttribute('data-outcome', 'renewed', { timeout: 30_000 })
  await go(page, '/certificates')
  const old = row(page, token.certificate)
  await expect(old).toHaveAttribute('data-state', 'superseded')
  await expect(old.getByRole('button', { name: /更新|解锁/ })).toHaveCount(0)
  await old.getByRole('link', { name: '查看新证书' }).click()
  await expect(page.getByTestId('certificate-page')).toHaveAttribute('data-state', 'valid')
})

test('nobody has certificates at first; there is a next step', async ({ page, stage }) => {
  const token = await stage.token()
  await at(page, stage, { ...token, phone: '13900000009' }, '/certificates')
  await expect(page.getByTestId('empty')).toContainText('绑定到您手机号的证书会在这里')
  await accessible(page)
})

test('many certificates are searched and paged', async ({ page, stage }) => {
  test.setTimeout(120_000)
  const tokens = []
  for (let n = 0; n < 11; n++) tokens.push(await stage.token({ company: n === 4 ? '找得到的公司' : `第 ${n} 公司`, age_days: 10 + n }))
  const [first] = tokens
  if (!first) return
  await at(page, stage, first, '/certificates')
  await expect(page.getByTestId('certificate')).toHaveCount(10)
  await expect(page.getByTestId('total')).toHaveText('共 11 条')
  await page.getByTestId('page-after').click()
  await expect(page.getByTestId('certificate')).toHaveCount(1)
  await page.getByTestId('search-text').fill('找得到')
  await page.keyboard.press('Enter')
  await expect(page.getByTestId('certificate')).toHaveCount(1)
  await expect(page.getByTestId('certificate')).toContainText('找得到的公司')
  await page.getByTestId('search-text').fill('没有这样的')
  await page.keyboard.press('Enter')
  await expect(page.getByTestId('empty')).toContainText('没有符合条件的证书')
  await accessible(page)
  await page.getByTestId('reset').click()
  await expect(page.getByTestId('certificate')).toHaveCount(10)
})

test('a silent portal is told, and tried again', async ({ page, stage }) => {
  const token = await stage.token()
  await at(page, stage, token, '/help')
  await stage.portal(false)
  await go(page, '/certificates')
  await expect(page.getByRole('alert')).toContainText('门户')
  await expect(page.locator('.silent')).toBeVisible()
  await accessible(page)
  await stage.portal(true)
  await page.getByRole('button', { name: '重试' }).click()
  await expect(page.getByTestId('certificate')).toHaveCount(1)
  await expect(page.locator('.silent')).toHaveCount(0)
})
