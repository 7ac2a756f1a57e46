// What the journeys on a token share: how a user answers the questions of a job.
import AxeBuilder from '@axe-core/playwright'
import type { Page } from '@playwright/test'
import { expect, logIn, PIN, type Stage, type Token } from './stage'

/** A PIN that nobody has been told. */
export const NEW = '27182845'

export async function go(page: Page, path: string): Promise<void> {
  await page.evaluate((path) => (window.location.hash = path), path)
}

/** A token in hand whose order may be written, on the page that writes it. */
export async function toWrite(
  page: Page,
  stage: Stage,
  wish: Parameters<Stage['token']>[0] = {},
): Promise<{ token: Token; order: string }> {
  const token = await stage.token(wish)
  const order = await stage.order(token, 'approved')
  await stage.insert(token)
  await stage.open(page)
  await logIn(page, stage, token.phone)
  await toOrder(page, order)
  return { token, order }
}

export async function toOrder(page: Page, order: string): Promise<void> {
  await expect(page.getByRole('button', { name: /138\*\*\*\*/ })).toBeVisible()
  await go(page, `/orders/${order}/write`)
  await expect(page.getByTestId('start-renewal')).toBeEnabled()
}

export async function givePin(page: Page, pin = PIN): Promise<void> {
  await expect(page.getByTestId('pin-input')).toBeFocused()
  await page.keyboard.type(pin)
  await page.keyboard.press('Enter')
}

export async function giveNewPin(page: Page, pin: string, again = pin): Promise<void> {
  await expect(page.getByTestId('new-pin')).toBeFocused()
  await page.getByTestId('new-pin').fill(pin)
  await page.getByTestId('new-pin-again').fill(again)
  await page.getByTestId('new-pin-submit').click()
}

/** Has the code sent and types it. */
export async function giveCode(page: Page, stage: Stage, token: Token): Promise<string> {
  await page.getByTestId('send-code').click()
  return typeCode(page, stage, token)
}

export async function typeCode(page: Page, stage: Stage, token: Token): Promise<string> {
  await expect(page.getByTestId('code-input')).toBeFocused()
  const code = await stage.code(token.phone)
  await page.getByTestId('code-input').fill(code)
  await page.getByTestId('code-submit').click()
  return code
}

export async function outcome(page: Page, is: string): Promise<void> {
  await expect(page.getByTestId('outcome')).toHaveAttribute('data-outcome', is, { timeout: 30_000 })
  await expect(page.locator('#outcome-title')).toBeFocused()
}

/** No rule of WCAG 2.2 AA that a program can check is broken. */
export async function accessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'])
    .analyze()
  expect(violations.map(({ id, nodes }) => ({ id, at: nodes.map(({ target, failureSummary }) => [target, failureSummary]) }))).toEqual([])
}
