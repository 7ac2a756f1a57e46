import { expect, test } from 'vitest'
import type { TokensView, TokenView } from '@/backend/contract'
import TokenCard from '@/components/token-card/TokenCard.vue'
import { certificateOnToken, failure, FakeBackend, tokensView, tokenView, settled, show, startView } from './fake'

const pin = (changed: Partial<TokenView['pin']>) => ({ ...tokenView().pin, ...changed })

async function card(tokens: TokensView, props: Record<string, unknown> = {}) {
  const backend = new FakeBackend({ start: () => startView({ tokens }), refresh_tokens: () => tokensView() })
  const shown = await show(TokenCard, { backend, props })
  const section = shown.wrapper.get('section')
  return { ...shown, section, state: () => section.attributes('data-state'), text: () => section.text() }
}

test('none: says that it will be found', async () => {
  const { state, text, wrapper } = await card(tokensView())
  expect(state()).toBe('none')
  expect(text()).toContain('请插入 USBKEY，会自动识别。')
  expect(wrapper.get('a').text()).toBe('没有反应？')
})

test('none, with one wanted: says whose', async () => {
  const wanted = { token_id: 'k', tail: '88A0', holder: '乙公司' }
  expect((await card(tokensView(), { wanted })).text()).toContain('请插入 乙公司（尾号 88A0），会自动识别。')
})

test('the first look, and a token that is being read', async () => {
  expect((await card({ ...tokensView(), looking: true })).state()).toBe('reading')
  const { state, text } = await card(tokensView(tokenView({ state: 'reading', current: null, certificates: [] })))
  expect(state()).toBe('reading')
  expect(text()).toContain('正在读取 USBKEY…')
})

test('driver missing: which, and where to get it', async () => {
  const drivers_missing = [{ profile: 'x', model_name: '握奇 USBKEY', from: 'CA 网站' }]
  const { state, text, wrapper, router } = await card({ ...tokensView(), drivers_missing })
  expect(state()).toBe('driver_missing')
  expect(text()).toContain('已发现握奇 USBKEY，本机缺少驱动，读不到证书。')
  expect(text()).toContain('驱动从CA 网站获取。装好后自动继续。')
  await wrapper.get('button').trigger('click')
  await settled()
  expect(router.currentRoute.value.fullPath).toBe('/help#driver')
})

test('fine: holder, end, days, tail', async () => {
  const { state, text } = await card(tokensView(tokenView()))
  expect(state()).toBe('fine')
  for (const part of ['示例商贸有限公司', '有效期至 2026-12-20', '还有 200 天', '尾号 3F21']) expect(text()).toContain(part)
})

test('expiring soon: renew now, this very certificate', async () => {
  const certificates = [certificateOnToken({ state: 'expiring_soon', days_left: 27 })]
  const { state, text, wrapper, router } = await card(tokensView(tokenView({ certificates })))
  expect(state()).toBe('expiring_soon')
  expect(text()).toContain('还有 27 天')
  expect(text()).toContain('现在办理，到期前旧证书照常使用。')
  await wrapper.get('button').trigger('click')
  await settled()
  // Not logged in: through the login, and on.
  expect(router.currentRoute.value.query.to).toBe('/renew?certificate=0A1B2C3D')
})

test('expiring soon, and the PIN still initial: both can be fixed', async () => {
  const certificates = [certificateOnToken({ state: 'expiring_soon', days_left: 27 })]
  const { wrapper } = await card(tokensView(tokenView({ certificates, pin: pin({ is_initial: true }) })))
  expect(wrapper.get('button').text()).toBe('立即更新')
  expect(wrapper.get('a').text()).toBe('修改口令')
})

test('expired: 过期初购', async () => {
  const { state, text, wrapper } = await card(
    tokensView(tokenView({ certificates: [certificateOnToken({ state: 'expired', days_left: -3 })] })),
  )
  expect(state()).toBe('expired')
  expect(text()).toContain('证书已于 2026-12-20 到期，暂不能使用。可用这支 USBKEY 办理。')
  expect(wrapper.get('button').text()).toBe('过期初购')
})

test('revoked: neither renewal nor expired purchase is offered', async () => {
  const { state, text } = await card(tokensView(tokenView({ certificates: [certificateOnToken({ state: 'revoked' })] })))
  expect(state()).toBe('revoked')
  expect(text()).toContain('这张证书已吊销，不能更新。')
  expect(text()).not.toContain('立即更新')
  expect(text()).not.toContain('过期初购')
})

test('initial PIN: told, and can be changed at once', async () => {
  const { state, text, wrapper } = await card(tokensView(tokenView({ pin: pin({ is_initial: true }) })))
  expect(state()).toBe('initial_pin')
  expect(text()).toContain('仍是初始口令，拿到 USBKEY 的人都能使用。')
  expect(wrapper.get('button').text()).toBe('修改口令')
})

test('locked: the certificate is there, and a new PIN can be set', async () => {
  const { state, text, wrapper, router } = await card(tokensView(tokenView({ pin: pin({ is_locked: true }) })))
  expect(state()).toBe('locked')
  expect(text()).toContain('口令多次输错，USBKEY 已锁定，证书仍在。可设置新口令。')
  await wrapper.get('button').trigger('click')
  await settled()
  expect(router.currentRoute.value.fullPath).toBe('/unlock?token=token-3F21')
})

test('locked and empty: no certificate is said to be there', async () => {
  const { text } = await card(tokensView(tokenView({ pin: pin({ is_locked: true }), current: null, certificates: [] })))
  expect(text()).not.toContain('证书仍在')
})

test('several: each by holder and tail', async () => {
  const other = tokenView({ token_id: 'b', tail: '88A0', certificates: [certificateOnToken({ holder: '乙公司' })] })
  const { state, text } = await card(tokensView(tokenView(), other))
  expect(state()).toBe('several')
  expect(text()).toContain(
    '发现 2 支：示例商贸有限公司（尾号 3F21）、乙公司（尾号 88A0）。请只留要办理的一支。',
  )
})

test('the wrong one: whose it is, whose is wanted, and that nothing was changed', async () => {
  const { state, text } = await card(tokensView(tokenView()), { wanted: { token_id: 'b', tail: '88A0', holder: '乙公司' } })
  expect(state()).toBe('wrong')
  expect(text()).toContain('插入的是示例商贸有限公司，需要乙公司（尾号 88A0）。尚未改动，请更换。')
})

test('the wanted one is as any other', async () => {
  const { state } = await card(tokensView(tokenView()), { wanted: { token_id: 'token-3F21', tail: '3F21', holder: null } })
  expect(state()).toBe('fine')
})

test('unreadable: why, and looks again', async () => {
  const unreadable = tokenView({ state: 'unreadable', current: null, certificates: [], failure: failure() })
  const { state, text, wrapper, backend } = await card(tokensView(unreadable))
  expect(state()).toBe('unreadable')
  expect(text()).toContain('读不到这支 USBKEY（尾号 3F21）。')
  expect(text()).toContain('这一步没有做。')
  await wrapper.get('button').trigger('click')
  await settled()
  expect(backend.count('refresh_tokens')).toBe(1)
  expect(state()).toBe('none')
})

test('empty, and not valid yet', async () => {
  expect((await card(tokensView(tokenView({ current: null, certificates: [] })))).state()).toBe('empty')
  const certificates = [certificateOnToken({ state: 'not_yet_valid' })]
  expect((await card(tokensView(tokenView({ certificates })))).state()).toBe('not_yet_valid')
})

test('changes by itself when tokens come and go, and says so to who listens', async () => {
  const { backend, state, section } = await card(tokensView())
  expect(section.get('[role=status]').attributes('aria-live')).toBe('polite')
  backend.tell({ event: 'tokens', tokens: tokensView(tokenView()) })
  await settled()
  expect(state()).toBe('fine')
  backend.tell({ event: 'tokens', tokens: tokensView() })
  await settled()
  expect(state()).toBe('none')
})

test('quiet: no buttons', async () => {
  const { wrapper } = await card(tokensView(tokenView({ pin: pin({ is_locked: true }) })), { quiet: true })
  expect(wrapper.find('button').exists()).toBe(false)
})

test('a second token whose driver is missing is told beside the one that is read', async () => {
  const drivers_missing = [{ profile: 'x', model_name: '握奇 USBKEY', from: null }]
  const { state, text } = await card({ ...tokensView(tokenView()), drivers_missing })
  expect(state()).toBe('fine')
  expect(text()).toContain('另有一支缺少驱动，读不到：握奇 USBKEY。')
})
