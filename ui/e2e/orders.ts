// What the journeys of orders share.
import type { Page } from '@playwright/test'
import { go } from './job'
import { expect, logIn, type Stage, type Token } from './stage'

/** A page of the pages, with the token's phone logged in and in hand. */
export async function at(page: Page, stage: Stage, token: Token, path: string): Promise<void> {
  await stage.open(page)
  // A code may have been sent a moment ago, for an order that the stage made.
  await stage.time(2)
  await logIn(page, stage, token.phone)
  await expect(page.getByRole('button', { name: /1\d\d\*\*\*\*/ })).toBeVisible()
  await go(page, path)
}

export const ID = '11010519491231002X'

/** Everything that the form asks for and that the certificate did not bring, as a user types it. */
export const TYPED: Record<string, Record<string, string>> = {
  applicant: { 'applicant.name': '经办某', 'applicant.email': 'bidder@example.com', 'applicant.id_number': ID },
  legal_representative: { 'legal_representative.name': '法人某', 'legal_representative.id_number': ID },
  company: { 'company.kind': '有限责任公司', 'company.industry': '批发和零售业' },
  invoice: {},
  delivery: {},
}

export async function onStep(page: Page, step: string): Promise<void> {
  await expect(page.locator(`form[data-step=${step}]`)).toBeVisible()
}

export async function next(page: Page): Promise<void> {
  await page.getByTestId('next').click()
}

/** Through the pages of the form, to the one that shows everything. */
export async function fillIn(page: Page): Promise<void> {
  for (const [step, fields] of Object.entries(TYPED)) {
    await onStep(page, step)
    for (const [field, value] of Object.entries(fields)) await page.getByTestId(field).fill(value)
    await next(page)
  }
  await onStep(page, 'check')
}

/** Agrees, and hands in with the code that comes. */
export async function handIn(page: Page, stage: Stage, token: Token): Promise<void> {
  await page.getByTestId('agreement').check()
  await next(page)
  await page.getByTestId('send-code').click()
  const code = await stage.code(token.phone)
  await page.getByTestId('code-input').fill(code)
  await page.getByTestId('code-submit').click()
}

export function orderNo(page: Page): Promise<string> {
  return page.getByTestId('order-no').innerText()
}
