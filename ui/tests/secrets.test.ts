import { mount } from '@vue/test-utils'
import { afterEach, expect, test, vi } from 'vitest'
import { i18n } from '@/i18n'
import CodeBox from '@/components/CodeBox.vue'
import SecretBox from '@/components/SecretBox.vue'

const PIN = '24681357'
const sent = { phone: '138****0000', valid_for: 60, next_after: 60 }

afterEach(() => vi.useRealTimers())

function secretBox(props: Record<string, unknown> = {}) {
  const wrapper = mount(SecretBox, {
    attachTo: document.body,
    props: { label: '口令', ...props },
    global: { plugins: [i18n] },
  })
  return { wrapper, input: wrapper.get('input') }
}

test('a PIN is read once, and the box is empty then', async () => {
  const { wrapper, input } = secretBox()
  await input.setValue(PIN)
  expect(wrapper.vm.take()).toBe(PIN)
  expect(input.element.value).toBe('')
  expect(wrapper.vm.take()).toBe('')
})

test('only whether the box is empty is told', async () => {
  const { wrapper, input } = secretBox()
  await input.setValue(PIN)
  wrapper.vm.clear()
  expect(wrapper.emitted('input')).toEqual([[false], [true]])
})

test('a PIN is nowhere in the page, its state or its storage', async () => {
  const { wrapper, input } = secretBox()
  await input.setValue(PIN)
  expect(document.documentElement.outerHTML).not.toContain(PIN)
  expect(JSON.stringify([wrapper.props(), wrapper.emitted('input')])).not.toContain(PIN)
  expect(JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage)])).not.toContain(PIN)
})

test('the box is emptied when it goes', async () => {
  const { wrapper, input } = secretBox()
  await input.setValue(PIN)
  wrapper.unmount()
  expect(input.element.value).toBe('')
})

test('shows dots, and is filled in by nobody', () => {
  const { input } = secretBox({ digitsOnly: true })
  expect(input.attributes()).toMatchObject({ type: 'password', autocomplete: 'off', inputmode: 'numeric' })
})

test('digits of any keyboard are digits', async () => {
  const { wrapper, input } = secretBox()
  await input.setValue('１２３４５６ab')
  expect(wrapper.vm.take()).toBe('123456ab')
})

test('warns of Caps Lock where letters count', async () => {
  const press = () => {
    const event = new KeyboardEvent('keydown', { key: 'A' })
    event.getModifierState = (key) => key === 'CapsLock'
    return event
  }
  const letters = secretBox()
  letters.input.element.dispatchEvent(press())
  await letters.wrapper.vm.$nextTick()
  expect(letters.wrapper.text()).toContain('大写锁定已打开')
  const digits = secretBox({ digitsOnly: true })
  digits.input.element.dispatchEvent(press())
  await digits.wrapper.vm.$nextTick()
  expect(digits.wrapper.text()).not.toContain('大写锁定已打开')
})

test('what is wrong is tied to the box', () => {
  const { wrapper, input } = secretBox({ problem: '口令不正确' })
  expect(input.attributes('aria-invalid')).toBe('true')
  expect(wrapper.get(`[id="${input.attributes('aria-describedby')}"]`).text()).toContain('口令不正确')
})

function codeBox(props: Record<string, unknown> = {}) {
  const wrapper = mount(CodeBox, { props: { sent, ...props }, global: { plugins: [i18n] } })
  return { wrapper, input: wrapper.get('input') }
}

test('a code may be pasted with blanks, and is read once', async () => {
  const { wrapper, input } = codeBox()
  await input.setValue(' 123 456 ')
  expect(wrapper.emitted('input')?.at(-1)).toEqual([true])
  expect(wrapper.vm.take()).toBe('123456')
  expect(input.element.value).toBe('')
  expect(wrapper.emitted('input')?.at(-1)).toEqual([false])
})

test('a code has six digits', async () => {
  const { wrapper, input } = codeBox()
  await input.setValue('12345x')
  expect(wrapper.emitted('input')?.at(-1)).toEqual([false])
  await input.setValue('1234567')
  expect(input.element.value).toBe('123456')
})

test('another code can be had once its time has come', async () => {
  vi.useFakeTimers()
  const { wrapper } = codeBox()
  const again = wrapper.get('button')
  expect(again.text()).toBe('60 秒后可重新发送')
  expect(again.attributes('disabled')).toBeDefined()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(again.text()).toBe('重新发送')
  await again.trigger('click')
  expect(wrapper.emitted('again')).toHaveLength(1)
  await wrapper.setProps({ sent: { ...sent, next_after: 30 } })
  expect(again.text()).toBe('30 秒后可重新发送')
})
