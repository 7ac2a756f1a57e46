import { readFile } from 'node:fs/promises'
import { expect, test } from './stage'
import { accessible, givePin, go, outcome, toWrite } from './job'

test('what is on the token is shown, and its public certificate is exported', async ({ page, stage }) => {
  const token = await stage.token()
  await stage.open(page, '/usbkey')
  await expect(page.getByText('插入后，这里显示 USBKEY 的内容')).toBeVisible()
  await accessible(page)
  await stage.insert(token)
  const shown = page.getByTestId(`usbkey-${token.tail}`)
  await expect(shown).toContainText(token.company)
  await expect(shown).toContainText('仍是初始口令')
  await expect(shown).toContainText('即将到期')
  await shown.getByRole('button', { name: '详情' }).click()
  await expect(shown.getByText(token.certificate.toUpperCase())).toBeVisible()
  await expect(shown.getByText('在这支 USBKEY 上', { exact: true })).toBeVisible()
  await accessible(page)
  const saving = page.waitForEvent('download')
  await shown.getByTestId('export').click()
  const file = await saving
  expect(await readFile(await file.path(), 'utf8')).toMatch(/^-----BEGIN CERTIFICATE-----/)
  await expect(page.getByText('公钥证书已保存。')).toBeVisible()
  await stage.pull(token)
  await expect(shown).toHaveCount(0)
})

test('several tokens are shown side by side, each with its PIN', async ({ page, stage }) => {
  const one = await stage.token()
  const other = await stage.token({ company: '乙公司', phone: '13900000001' })
  await stage.insert(one)
  await stage.insert(other)
  await stage.wrongPins(other)
  await stage.open(page, '/usbkey')
  await expect(page.getByTestId('token-card')).toContainText('发现 2 支')
  await expect(page.getByTestId(`usbkey-${one.tail}`)).toContainText(one.company)
  await expect(page.getByTestId(`usbkey-${other.tail}`).getByText('已锁定')).toBeVisible()
  await accessible(page)
  await page.getByTestId(`usbkey-${other.tail}`).getByTestId('to-unlock').click()
  await expect(page.getByRole('heading', { name: '解锁', exact: true })).toBeVisible()
})

test('the old key pair stays after a renewal, and the page says so', async ({ page, stage }) => {
  const { token } = await toWrite(page, stage)
  await page.getByTestId('start-renewal').click()
  await givePin(page)
  await outcome(page, 'renewed')
  await go(page, '/usbkey')
  await expect(page.getByTestId(`usbkey-${token.tail}`).locator('li')).toHaveCount(2)
  await expect(page.getByTestId('old-pairs')).toContainText('不会自动删除')
  await accessible(page)
})
