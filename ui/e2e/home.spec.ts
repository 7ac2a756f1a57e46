import { expect, test } from './stage'

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
