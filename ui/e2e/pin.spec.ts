import { expect, type Page } from '@playwright/test'
import { type Token, PIN, type Stage, test } from './stage'
import { accessible, giveNewPin, givePin, NEW, outcome } from './job'

async function toChange(page: Page, stage: Stage, pinRetryCounter?: number): Promise<Token> {
  const token = await stage.token()
  await stage.insert(token)
  if (pinRetryCounter) await stage.wrongPins(token, (await stage.state(token)).pin_retry_limit - pinRetryCounter)
  await stage.open(page, '/usbkey')
  await page.getByTestId('to-pin-change').click()
  await expect(page.getByTestId('pin-input')).toBeFocused()
  return token
}

async function change(page: Page, old: string, pin = NEW, again = pin): Promise<void> {
  await page.getByTestId('pin-input').fill(old)
  await page.getByTestId('new-pin').fill(pin)
  await page.getByTestId('new-pin-again').fill(again)
  await page.getByTestId('new-pin-submit').click()
}

test('a PIN is changed on one page, and a wrong old one is typed again', async ({ page, stage }) => {
  const token = await toChange(page, stage)
  await expect(page.getByText('若从未修改，为 12345678')).toBeVisible()
  await expect(page.getByText('6–8 位数字')).toBeVisible()
  await accessible(page)
  await page.getByTestId('new-pin-submit').click()
  await expect(page.getByText('请先输入旧口令。')).toBeVisible()
  await change(page, '11112222')
  await expect(page.getByText(/口令不正确/)).toBeVisible()
  await accessible(page)
  await givePin(page)
  await outcome(page, 'pin_changed')
  await accessible(page)
  expect((await stage.state(token)).pin_retry_counter).toBe((await stage.state(token)).pin_retry_limit)
  await page.getByTestId('job-done').click()
  await expect(page.getByTestId('token-card')).not.toContainText('仍是初始口令')
})

test('a new PIN that differs the second time, or is the old one, is refused; the old one stays', async ({ page, stage }) => {
  await toChange(page, stage)
  await change(page, PIN, NEW, '27182846')
  await expect(page.getByText('两次输入的新口令不一样')).toBeVisible()
  await giveNewPin(page, PIN)
  await expect(page.getByText('新口令与旧口令相同')).toBeVisible()
  await page.keyboard.press('Escape')
  await outcome(page, 'failed')
})

test('the final try needs a yes, and without it nothing is tried', async ({ page, stage }) => {
  const token = await toChange(page, stage, 1)
  await expect(page.getByText('只剩最后一次').first()).toBeVisible()
  await change(page, PIN)
  await expect(page.getByRole('heading', { name: '旧口令只剩最后一次尝试' })).toBeFocused()
  await accessible(page)
  await page.getByTestId('answer-no').click()
  await outcome(page, 'stopped')
  await expect(page.getByTestId('outcome')).toContainText('旧口令仍然有效。')
  await accessible(page)
  expect((await stage.state(token)).pin_retry_counter).toBe(1)
  await page.getByTestId('job-again').click()
  await change(page, PIN)
  await page.getByTestId('answer-yes').click()
  await outcome(page, 'pin_changed')
})

test('a token that is pulled in the middle is read, and the user told which PIN to use first', async ({ page, stage }) => {
  const token = await toChange(page, stage)
  await stage.fault({ on: { function: 'C_SetPIN' }, do: 'unplug', when: 'after' })
  await change(page, PIN)
  await expect(page.getByRole('heading', { name: `修改口令时 USBKEY 被拔出，请插回尾号 ${token.tail}。` })).toBeVisible()
  await accessible(page)
  await stage.insert(token)
  await outcome(page, 'failed')
  await expect(page.getByTestId('outcome')).toContainText('先用')
  await accessible(page)
})

test('a locked token is led to the unlock, and leaving the form leaves nothing behind', async ({ page, stage }) => {
  const token = await toChange(page, stage)
  await page.getByRole('link', { name: '首页' }).click()
  await expect(page.getByTestId('token-card')).toContainText(token.company)
  await expect(page.getByText('正在办理')).toHaveCount(0)
  await stage.wrongPins(token)
  await stage.pull(token)
  await expect(page.getByTestId('token-card')).toContainText('请插入 USBKEY')
  await stage.insert(token)
  await expect(page.getByTestId('token-card')).toContainText('USBKEY 已锁定')
  await page.evaluate((id) => (window.location.hash = `/usbkey/pin?token=${encodeURIComponent(id)}`), token.token_id)
  await expect(page.getByTestId('token-card').getByRole('button', { name: '解锁' })).toBeVisible()
  await expect(page.getByTestId('pin-input')).toHaveCount(0)
})
