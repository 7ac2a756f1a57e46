import { flushPromises } from '@vue/test-utils'
import { expect, test } from 'vitest'
import UsbKeyPage from '@/pages/usbkey/UsbKeyPage.vue'
import { certificateOnToken, failure, FakeBackend, tokensView, tokenView, commandError, show, startView, jobView } from './fake'

async function usbkey(...tokens: ReturnType<typeof tokenView>[]) {
  const backend = new FakeBackend({
    start: () => startView({ tokens: tokensView(...tokens) }),
    export_certificate: () => ({ name: 'a.pem', text: '-----BEGIN CERTIFICATE-----' }),
    refresh_tokens: () => tokensView(...tokens),
  })
  return show(UsbKeyPage, { backend })
}

test('nothing is inserted: what would appear here', async () => {
  const { wrapper } = await usbkey()
  expect(wrapper.text()).toContain('插入后，这里显示 USBKEY 的内容')
})

test('a token: model, number, free capacity, PIN and certificates', async () => {
  const { wrapper } = await usbkey(tokenView())
  expect(wrapper.text()).toContain('还可放 2 对密钥')
  expect(wrapper.text()).toContain('还可试 6 次')
  expect(wrapper.text()).toContain('00003F21')
  expect(wrapper.find('[data-testid=old-pairs]').exists()).toBe(false)
})

test('the public certificate is saved where the user says', async () => {
  const { wrapper, backend } = await usbkey(tokenView())
  await wrapper.find('[data-testid=export]').trigger('click')
  await flushPromises()
  expect(backend.last('export_certificate')).toEqual({ token_id: 'token-3F21', serial: '0A1B2C3D' })
  expect(backend.saved).toHaveLength(1)
  expect(wrapper.text()).toContain('公钥证书已保存。')
})

test('where the token is gone by then, the failure is told', async () => {
  const { wrapper, backend } = await usbkey(tokenView())
  backend.answers.export_certificate = () => {
    throw commandError({ code: 'app.token_gone' })
  }
  await wrapper.find('[data-testid=export]').trigger('click')
  await flushPromises()
  expect(wrapper.text()).toContain('app.token_gone')
})

test('old key pairs and those without a certificate are told, with what becomes of them', async () => {
  const old = certificateOnToken({ serial: '01', fingerprint: 'CD', state: 'expired', days_left: -3 })
  const { wrapper } = await usbkey(
    tokenView({ certificates: [certificateOnToken(), old], pairs_without_certificate: 1, free_pairs: 0 }),
  )
  expect(wrapper.find('[data-testid=old-pairs]').text()).toContain('有 1 张旧证书')
  expect(wrapper.text()).toContain('另有 1 对没有证书的密钥')
  expect(wrapper.text()).toContain('放不下更多密钥对')
  expect(wrapper.text()).toContain('已过期')
})

test('locked, initial, final try, never set: each in its words', async () => {
  const says = async (changed: Partial<ReturnType<typeof tokenView>['pin']>) => {
    const { wrapper } = await usbkey(tokenView({ pin: { ...tokenView().pin, ...changed } }), tokenView({ token_id: 'b', tail: '88A0' }))
    const shown = wrapper.find('[data-testid=usbkey-3F21]')
    const text = {
      pin: shown.find('.pin .tag').text(),
      unlock: shown.find('[data-testid=to-unlock]').exists(),
      change: shown.find('[data-testid=to-pin-change]').exists(),
    }
    wrapper.unmount()
    return text
  }
  expect(await says({})).toEqual({ pin: '正常', unlock: false, change: true })
  expect(await says({ is_initial: true })).toEqual({ pin: '仍是初始口令', unlock: false, change: true })
  expect(await says({ is_last_try: true })).toEqual({ pin: '只剩最后一次', unlock: false, change: true })
  expect(await says({ is_locked: true })).toEqual({ pin: '已锁定', unlock: true, change: false })
  expect(await says({ is_set: false })).toEqual({ pin: '还没有设置', unlock: false, change: false })
})

test('a token that cannot be read says why, and makes no claims', async () => {
  const { wrapper } = await usbkey(
    tokenView({ state: 'unreadable', failure: failure({ code: 'token.driver_crashed' }), certificates: [], current: null }),
  )
  expect(wrapper.find('[data-testid=usbkey-3F21]').text()).toContain('token.driver_crashed')
  expect(wrapper.text()).not.toContain('没有证书')
  expect(wrapper.find('[data-testid=to-pin-change]').exists()).toBe(false)
})

test('tokens are not read again while a job uses them', async () => {
  const backend = new FakeBackend({ start: () => startView({ tokens: tokensView(tokenView()), job: jobView() }) })
  const { wrapper } = await show(UsbKeyPage, { backend })
  const again = wrapper.findAll('button').find((button) => button.text() === '重新读取')
  expect(again?.attributes('disabled')).toBeDefined()
})
