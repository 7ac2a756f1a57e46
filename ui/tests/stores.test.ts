import { expect, test } from 'vitest'
import { defineComponent, h } from 'vue'
import { useApp } from '@/stores/app'
import { useKeys } from '@/stores/keys'
import { useOrderCounts } from '@/stores/order-counts'
import { useReminders } from '@/stores/reminders'
import { useSession } from '@/stores/session'
import { useSettings } from '@/stores/settings'
import { useUnfinished } from '@/stores/unfinished'
import { useWork } from '@/stores/work'
import { FakeBackend, tokensView, tokenView, refusal, show, startView, workView } from './fake'

const Nothing = defineComponent({ render: () => h('div') })
const asked = { id: 7, question: { ask: 'pin', key: { token_id: 'k', tail: 'T' }, tries: { kind: 'not_low' }, again: false, last_try: false, is_initial: false, each_signature: false } } as const

test('the start fills every store', async () => {
  const view = startView({
    session: { phone: '138****0000' },
    keys: tokensView(tokenView()),
    unfinished: [{ kind: 'renewal', order: 'O', token_id: 'k', tail: 'T', holder: null, after: 'x', steps_left: 3, at: '2026-11-25T06:20:00Z' }],
    work: workView(),
  })
  await show(Nothing, { backend: new FakeBackend({ start: () => view }) })
  expect(useApp()).toMatchObject({ started: true, version: '0.1.0', portal: view.portal, project: view.project })
  expect(useSession().loggedIn).toBe(true)
  expect(useKeys().only?.tail).toBe('3F21')
  expect(useUnfinished().items).toEqual(view.unfinished)
  expect(useWork().running).toEqual(view.work)
})

test('a start that fails says why and can be tried again', async () => {
  let tries = 0
  const backend = new FakeBackend({
    start: () => {
      if (tries++ === 0) throw refusal({ code: 'data_dir.file' })
      return startView()
    },
  })
  await show(Nothing, { backend })
  const app = useApp()
  expect(app.startFailure?.code).toBe('data_dir.file')
  await app.start()
  expect([app.started, app.startFailure]).toEqual([true, null])
})

test('events keep every store', async () => {
  const { backend } = await show(Nothing)
  backend.tell({ event: 'keys', keys: tokensView(tokenView()) })
  backend.tell({ event: 'work', work: workView() })
  backend.tell({ event: 'session', session: { phone: '139****1111' } })
  backend.tell({ event: 'settings', settings: { ...startView().settings, language: 'en', theme: 'dark', text_size: 'largest' } })
  const reminder = { holder: 'A', tail: '3F21', not_after: '2026-12-20T00:00:00Z', days_left: 7 }
  backend.tell({ event: 'reminder', reminder: { ...reminder, days_left: 15 } })
  backend.tell({ event: 'reminder', reminder })
  expect(useKeys().keys).toHaveLength(1)
  expect(useWork().work?.id).toBe(1)
  expect(useSession().phone).toBe('139****1111')
  expect(useReminders().items).toEqual([reminder])
  expect(document.documentElement.dataset).toMatchObject({ theme: 'dark', text: 'largest' })
  expect(document.documentElement.lang).toBe('en')
})

test('a view that comes late takes the place of none', async () => {
  const { backend } = await show(Nothing)
  const [old, young] = [tokensView(), tokensView(tokenView())]
  backend.tell({ event: 'keys', keys: young })
  backend.tell({ event: 'keys', keys: old })
  expect(useKeys().keys).toHaveLength(1)
  const work = useWork()
  backend.tell({ event: 'work', work: workView({ id: 2, version: 3 }) })
  backend.tell({ event: 'work', work: workView({ id: 2, version: 2 }) })
  backend.tell({ event: 'work', work: workView({ id: 1, version: 9 }) })
  expect([work.work?.id, work.work?.version]).toEqual([2, 3])
  backend.tell({ event: 'work', work: workView({ id: 3, version: 1 }) })
  expect(work.work?.id).toBe(3)
  backend.tell({ event: 'work', work: null })
  expect(work.work).toBeNull()
})

test('an answer goes to the question that is asked now, and stays nowhere', async () => {
  const backend = new FakeBackend({ start: () => startView({ work: workView({ id: 4, asked }) }), answer: () => ({}) })
  await show(Nothing, { backend })
  const work = useWork()
  await work.answer({ answer: 'pin', pin: '24681357' })
  expect(backend.last('answer')).toEqual({ work: 4, question: 7, answer: { answer: 'pin', pin: '24681357' } })
  expect(JSON.stringify(work.$state)).not.toContain('24681357')
})

test('works begin, stop and are put away', async () => {
  const backend = new FakeBackend({
    start_renewal: () => workView({ id: 5 }),
    start_unlock: () => workView({ id: 6, kind: 'unlock' }),
    start_pin_change: () => workView({ id: 7, kind: 'pin_change' }),
    stop_job: () => ({}),
    dismiss_job: () => ({}),
  })
  await show(Nothing, { backend })
  const work = useWork()
  await work.startRenewal('O', true)
  expect(backend.last('start_renewal')).toEqual({ no: 'O', remove_old: true })
  await work.startUnlock({ tokenId: 'k' })
  expect(backend.last('start_unlock')).toEqual({ token_id: 'k', no: null })
  await work.startPinChange('k')
  await work.stop()
  expect(backend.last('stop_job')).toEqual({ work: 7 })
  await work.dismiss()
  expect(work.work).toBeNull()
})

test('the badge counts what waits for the applicant', async () => {
  await show(Nothing)
  const counts = useOrderCounts()
  counts.hear({ all: 9, completed: 3, draft: 1, awaiting_review: 1, awaiting_renewal: 2, rejected: 1, awaiting_payment: 1 })
  expect(counts.waiting).toBe(4)
})

test('settings that are not taken stay as they were', async () => {
  const backend = new FakeBackend({
    change_settings: () => {
      throw refusal()
    },
  })
  await show(Nothing, { backend })
  const settings = useSettings()
  await expect(settings.change({ theme: 'dark' })).rejects.toThrow('test.failed')
  expect(settings.settings.theme).toBe('system')
})
