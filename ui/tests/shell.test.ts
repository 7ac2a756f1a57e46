import { expect, test } from 'vitest'
import App from '@/App.vue'
import { useApp } from '@/stores/app'
import { FakeBackend, commandError, settled, show, startView } from './fake'

test('the language is changed from every page', async () => {
  const backend = new FakeBackend({ change_settings: ({ settings }) => settings })
  const { wrapper } = await show(App, { backend, at: '/help' })
  expect(wrapper.get('h1').text()).toBe('帮助')
  await wrapper.get('header button').trigger('click')
  await settled()
  expect(wrapper.get('h1').text()).toBe('Help')
  expect(document.documentElement.lang).toBe('en')
  expect(document.title).toBe('Yuncaidun Certificate Assistant')
})

test('a portal that is silent is told in a thin bar, with what still jobs', async () => {
  const { wrapper } = await show(App, { at: '/help' })
  expect(wrapper.find('.silent').exists()).toBe(false)
  useApp().portalSilent = true
  await settled()
  expect(wrapper.get('.silent').text()).toContain('修改口令、诊断和帮助仍可使用')
})

test('the page that is open is marked in the navigation', async () => {
  const { wrapper } = await show(App, { at: '/settings' })
  const marked = wrapper.findAll('[aria-current=page]')
  expect(marked.map((link) => link.text())).toEqual(['设置'])
})

test('a start that fails is shown, and can be tried again', async () => {
  let starts = 0
  const backend = new FakeBackend({
    start: () => {
      if (starts++ === 0) throw commandError({ action: 'retry' })
      return startView()
    },
  })
  const { wrapper } = await show(App, { backend })
  await wrapper.get('[role=alert] button').trigger('click')
  await settled()
  expect(wrapper.find('nav').exists()).toBe(true)
})

test.each([
  ['留在这里', 'stay'],
  ['转到后台', 'background'],
] as const)('closing while a token is written is asked about: %s', async (word, answer) => {
  const { backend } = await show(App)
  backend.askToClose()
  await settled()
  const dialog = document.querySelector('[role=dialog]')
  expect(dialog?.textContent).toContain('请勿拔出 USBKEY')
  const button = [...document.querySelectorAll<HTMLElement>('.el-dialog button')].find((b) => b.textContent.includes(word))
  button?.click()
  await settled()
  expect(backend.closeAnswers).toEqual([answer])
})

test('Esc on that question stays', async () => {
  const { backend } = await show(App)
  backend.askToClose()
  await settled()
  document.querySelector('.el-dialog button')?.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', code: 'Escape', bubbles: true }))
  await settled()
  expect(backend.closeAnswers).toEqual(['stay'])
})

test('logging out leads to a page that needs no login', async () => {
  const backend = new FakeBackend({ start: () => startView({ session: { phone: '138****0000' } }), logout: () => ({}) })
  const { wrapper, router } = await show(App, { backend, at: '/orders' })
  const account = wrapper.get('header button')
  expect(account.text()).toBe('138****0000')
  await account.trigger('click')
  await settled()
  document.querySelector<HTMLElement>('[role=menuitem]')?.click()
  await settled()
  expect(backend.count('logout')).toBe(1)
  expect(router.currentRoute.value.fullPath).toBe('/')
  expect(wrapper.get('header a').text()).toBe('登录')
})

test('Esc goes back', async () => {
  const { router } = await show(App, { at: '/login' })
  window.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape' }))
  await settled()
  expect(router.currentRoute.value.name).toBe('home')
})

test('a new page has the focus', async () => {
  const { router } = await show(App)
  await router.push('/help')
  await settled()
  expect(document.activeElement?.id).toBe('content')
  await router.push('/login')
  await settled()
  // A page that puts the focus somewhere keeps it there.
  expect(document.activeElement?.tagName).toBe('INPUT')
})
