import { afterEach, expect, test, vi } from 'vitest'
import type { RemedyAction } from '@/backend/contract'
import FailureNotice from '@/components/FailureNotice.vue'
import { failure, settled, show } from './fake'

afterEach(() => vi.useRealTimers())

test('says what happened and what to do; the code can be copied', async () => {
  const { wrapper, backend } = await show(FailureNotice, { props: { failure: failure() } })
  expect(wrapper.attributes('role')).toBe('alert')
  for (const part of ['这一步没有做。', '请再试。', 'test.failed']) expect(wrapper.text()).toContain(part)
  const copy = wrapper.get('button')
  await copy.trigger('click')
  await settled()
  expect(backend.copied).toEqual(['test.failed'])
  expect(copy.text()).toBe('已复制')
})

test.each<[RemedyAction, string, string]>([
  ['login', '登录', '/login?to=/help'],
  ['unlock', '解锁', '/unlock'],
  ['diagnose', '诊断', '/diagnosis'],
  ['settings', '设置', '/settings'],
  ['help', '帮助与热线', '/help#hotline'],
])('the remedy %s is a button that goes there', async (action, word, to) => {
  const { wrapper, router } = await show(FailureNotice, { at: '/help', props: { failure: failure({ action }) } })
  const button = wrapper.get('button')
  expect(button.text()).toBe(word)
  await button.trigger('click')
  await settled()
  expect(decodeURIComponent(router.currentRoute.value.fullPath)).toBe(to)
})

test('the same again, where the page can', async () => {
  const onRetry = vi.fn()
  const { wrapper } = await show(FailureNotice, { props: { failure: failure({ action: 'retry' }), onRetry } })
  await wrapper.get('button').trigger('click')
  expect(onRetry).toHaveBeenCalledOnce()
})

test('no button offers what the page cannot do', async () => {
  const { wrapper } = await show(FailureNotice, { props: { failure: failure({ action: 'retry' }) } })
  expect(wrapper.findAll('button').map((button) => button.text())).toEqual(['复制'])
})

test('the same again waits for its time', async () => {
  const { wrapper } = await show(FailureNotice, {
    props: { failure: failure({ retry_after: 90 }), onRetry: vi.fn() },
  })
  const button = wrapper.get('button')
  expect(button.text()).toBe('90 秒后可重试')
  expect(button.attributes('disabled')).toBeDefined()
})
