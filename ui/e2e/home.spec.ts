import { expect, FEITIAN_CARD, test } from './stage'

test('a key shows up when it is put in and goes when it is pulled', async ({ page, stage }) => {
  const key = await stage.key()
  await stage.open(page)
  await stage.insert(key)
  await expect(page.getByText(key.company).first()).toBeVisible()
  await expect(page.getByText(key.tail).first()).toBeVisible()
  await stage.pull(key)
  await expect(page.getByText(key.company)).toHaveCount(0)
})

test('without the portal the assistant starts, and shows what is on a key', async ({ page, stage }) => {
  const key = await stage.key()
  await stage.portal(false)
  await stage.open(page)
  await stage.insert(key)
  await expect(page.getByTestId('key-card')).toContainText(key.company)
})

test('a key whose driver is missing is named with the place to get it, for as long as it is in', async ({ page, stage }) => {
  await stage.reader()
  await stage.open(page)
  const card = page.getByTestId('key-card')
  await expect(card).toHaveAttribute('data-state', 'none')
  await stage.insertCard(FEITIAN_CARD)
  await expect(card).toContainText('已发现飞天诚信 USBKEY（ePass）')
  await expect(card).toContainText('装好后自动继续')
  await stage.pullCard()
  await expect(card).toHaveAttribute('data-state', 'none')
})
