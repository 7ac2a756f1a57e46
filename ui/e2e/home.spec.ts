import { expect, FEITIAN_CARD, test } from './stage'

test('a token shows up when it is put in and goes when it is pulled', async ({ page, stage }) => {
  const token = await stage.token()
  await stage.open(page)
  await stage.insert(token)
  await expect(page.getByText(token.company).first()).toBeVisible()
  await expect(page.getByText(token.tail).first()).toBeVisible()
  await stage.pull(token)
  await expect(page.getByText(token.company)).toHaveCount(0)
})

test('without the portal the assistant starts, and shows what is on a token', async ({ page, stage }) => {
  const token = await stage.token()
  await stage.portal(false)
  await stage.open(page)
  await stage.insert(token)
  await expect(page.getByTestId('token-card')).toContainText(token.company)
})

test('a token whose driver is missing is named with the place to get it, for as long as it is in', async ({ page, stage }) => {
  await stage.reader()
  await stage.open(page)
  const card = page.getByTestId('token-card')
  await expect(card).toHaveAttribute('data-state', 'none')
  await stage.insertCard(FEITIAN_CARD)
  await expect(card).toContainText('已发现飞天诚信 USBKEY（ePass）')
  await expect(card).toContainText('装好后自动继续')
  await stage.pullCard()
  await expect(card).toHaveAttribute('data-state', 'none')
})
