import { expect, test } from 'vitest'
import App from '@/App.vue'
import { returnPath } from '@/router'
import { useSession } from '@/stores/session'
import { failure, FakeBackend, commandError, settled, show, startView } from './fake'

const session = { phone: '138****0000' }
const CODE = '864213'

function portal() {
  return new FakeBackend({
    login_code: () => ({ phone: '138****0000', valid_for: 60, next_after: 60 }),
    login: ({ code }) => {
      if (code !== CODE) throw commandError({ code: 'sms.code_wrong', sentence: '验证码不正确。' })
      return session
    },
    orders: () => ({ items: [], page: 1, page_size: 1, total: 0, counts: { awaiting_renewal: 1, rejected: 1 } }),
  })
}

async function typePhone(wrapper: Awaited<ReturnType<typeof show>>['wrapper'], phone: string) {
  await wrapper.get('main input').setValue(phone)
  await wrapper.get('form').trigger('submit')
  await settled()
}

async function typeCode(wrapper: Awaited<ReturnType<typeof show>>['wrapper'], code: string) {
  await wrapper.get('main input').setValue(code)
  await wrapper.get('form').trigger('submit')
  await settled()
}

test('a page for who is logged in shows the login first, and continues from there', async () => {
  const { wrapper, backend, router } = await show(App, { backend: portal(), at: '/orders/SAAS1' })
  await settled()
  expect(router.currentRoute.value.name).toBe('login')
  await typePhone(wrapper, '138 0000 0000')
  expect(backend.last('login_code')).toEqual({ phone: '13800000000' })
  await typeCode(wrapper, CODE)
  expect(backend.last('login')).toEqual({ phone: '13800000000', code: CODE })
  expect(router.currentRoute.value.fullPath).toBe('/orders/SAAS1')
  expect(useSession().phone).toBe('138****0000')
  expect(wrapper.get('.badge').text()).toContain('2')
})

test('who is logged in is not asked', async () => {
  const backend = new FakeBackend({ start: () => startView({ session }) })
  const { router } = await show(App, { backend, at: '/orders' })
  expect(router.currentRoute.value.name).toBe('orders')
})

test.each(['/', '/unlock', '/usbkey', '/usbkey/pin', '/help', '/diagnosis', '/settings'])(
  '%s needs no login',
  async (at) => {
    const { router } = await show(App, { at })
    expect(router.currentRoute.value.path).toBe(at)
  },
)

test('a session that ends on such a page leads back through the login', async () => {
  const backend = new FakeBackend({ start: () => startView({ session }) })
  const { router } = await show(App, { backend, at: '/orders/SAAS1' })
  backend.tell({ event: 'session', session: null })
  await settled()
  expect(router.currentRoute.value.fullPath).toBe('/login?to=/orders/SAAS1')
})

test('the login returns to pages of this program only', () => {
  expect(returnPath('/orders?state=rejected')).toBe('/orders?state=rejected')
  for (const to of [undefined, null, '', '//evil.example', 'https://evil.example', ['/a']]) expect(returnPath(to)).toBe('/')
})

test('before a code is sent, the phone is named', async () => {
  const { wrapper } = await show(App, { backend: portal(), at: '/login' })
  await wrapper.get('main input').setValue('+86 138-0000-0000')
  expect(wrapper.text()).toContain('验证码将发到 138 0000 0000，请先联系好再发送。')
})

test('what is no phone is sent nowhere', async () => {
  const { wrapper, backend } = await show(App, { backend: portal(), at: '/login' })
  await typePhone(wrapper, '12345')
  expect(backend.count('login_code')).toBe(0)
  expect(wrapper.text()).toContain('请输入 11 位手机号')
})

test('a wrong code is told beside the box, which is empty again', async () => {
  const { wrapper } = await show(App, { backend: portal(), at: '/login' })
  await typePhone(wrapper, '13800000000')
  await typeCode(wrapper, '111111')
  expect(wrapper.get('[role=alert]').text()).toContain('验证码不正确。')
  expect(wrapper.get<HTMLInputElement>('main input').element.value).toBe('')
})

test('a code is in no state, storage or address', async () => {
  const backend = portal()
  const { wrapper, router } = await show(App, { backend, at: '/login' })
  await typePhone(wrapper, '13800000000')
  await wrapper.get('main input').setValue(CODE)
  const everywhere = () =>
    JSON.stringify(useSession().$state) +
    JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage)]) +
    router.currentRoute.value.fullPath +
    document.documentElement.outerHTML
  expect(everywhere()).not.toContain(CODE)
  await wrapper.get('form').trigger('submit')
  await settled()
  expect(everywhere()).not.toContain(CODE)
})

test('a code that cannot be sent says why', async () => {
  const backend = new FakeBackend({
    login_code: () => {
      throw commandError(failure({ code: 'sms.limit', sentence: '今天发送的次数已到上限。' }))
    },
  })
  const { wrapper } = await show(App, { backend, at: '/login' })
  await typePhone(wrapper, '13800000000')
  expect(wrapper.get('[role=alert]').text()).toContain('今天发送的次数已到上限。')
})
