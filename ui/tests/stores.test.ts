import { expect, test } from 'vitest'
import { defineComponent, h } from 'vue'
import { useApp } from '@/stores/app'
import { useTokens } from '@/stores/tokens'
import { useOrderCounts } from '@/stores/order-counts'
import { useReminders } from '@/stores/reminders'
import { useSession } from '@/stores/session'
import { useSettings } from '@/stores/settings'
import { useUnfinished } from '@/stores/unfinished'
import { useJobs } from '@/stores/jobs'
import { FakeBackend, tokensView, tokenView, commandError, show, startView, jobView } from './fake'

const Nothing = defineComponent({ render: () => h('div') })
const asked = { id: 7, question: { ask: 'pin', token: { token_id: 'k', tail: 'T' }, retry_counter: { kind: 'not_low' }, again: false, last_try: false, is_initial: false, each_signature: false } } as const

test('the start fills every store', async () => {
  const view = startView({
    session: { phone: '138****0000' },
    tokens: tokensView(tokenView()),
    unfinished: [{ kind: 'renewal', order: 'O', token_id: 'k', tail: 'T', holder: null, after: 'x', steps_left: 3, at: '2026-11-25T06:20:00Z' }],
    job: jobView(),
  })
  await show(Nothing, { backend: new FakeBackend({ start: () => view }) })
  expect(useApp()).toMatchObject({ started: true, version: '0.1.0', portal: view.portal, project: view.project })
  expect(useSession().loggedIn).toBe(true)
  expect(useTokens().only?.tail).toBe('3F21')
  expect(useUnfinished().items).toEqual(view.unfinished)
  expect(useJobs().running).toEqual(view.job)
})

test('a start that fails says why and can be tried again', async () => {
  let starts = 0
  const backend = new FakeBackend({
    start: () => {
      if (starts++ === 0) throw commandError({ code: 'data_dir.file' })
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
  backend.tell({ event: 'tokens', tokens: tokensView(tokenView()) })
  backend.tell({ event: 'job', job: jobView() })
  backend.tell({ event: 'session', session: { phone: '139****1111' } })
  backend.tell({ event: 'settings', settings: { ...startView().settings, language: 'en', theme: 'dark', text_size: 'largest' } })
  const reminder = { holder: 'A', tail: '3F21', not_after: '2026-12-20T00:00:00Z', days_left: 7 }
  backend.tell({ event: 'reminder', reminder: { ...reminder, days_left: 15 } })
  backend.tell({ event: 'reminder', reminder })
  expect(useTokens().inserted).toHaveLength(1)
  expect(useJobs().job?.id).toBe(1)
  expect(useSession().phone).toBe('139****1111')
  expect(useReminders().items).toEqual([reminder])
  expect(document.documentElement.dataset).toMatchObject({ theme: 'dark', text: 'largest' })
  expect(document.documentElement.lang).toBe('en')
})

test('a view that comes late takes the place of none', async () => {
  const { backend } = await show(Nothing)
  const [old, young] = [tokensView(), tokensView(tokenView())]
  backend.tell({ event: 'tokens', tokens: young })
  backend.tell({ event: 'tokens', tokens: old })
  expect(useTokens().inserted).toHaveLength(1)
  const jobs = useJobs()
  backend.tell({ event: 'job', job: jobView({ id: 2, version: 3 }) })
  backend.tell({ event: 'job', job: jobView({ id: 2, version: 2 }) })
  backend.tell({ event: 'job', job: jobView({ id: 1, version: 9 }) })
  expect([jobs.job?.id, jobs.job?.version]).toEqual([2, 3])
  backend.tell({ event: 'job', job: jobView({ id: 3, version: 1 }) })
  expect(jobs.job?.id).toBe(3)
  backend.tell({ event: 'job', job: null })
  expect(jobs.job).toBeNull()
})

test('an answer goes to the question that is asked now, and stays nowhere', async () => {
  const backend = new FakeBackend({ start: () => startView({ job: jobView({ id: 4, asked }) }), answer: () => ({}) })
  await show(Nothing, { backend })
  const jobs = useJobs()
  await jobs.answer({ answer: 'pin', pin: '24681357' })
  expect(backend.last('answer')).toEqual({ job: 4, question: 7, answer: { answer: 'pin', pin: '24681357' } })
  expect(JSON.stringify(jobs.$state)).not.toContain('24681357')
})

test('jobs begin, stop and are put away', async () => {
  const backend = new FakeBackend({
    start_renewal: () => jobView({ id: 5 }),
    start_unlock: () => jobView({ id: 6, kind: 'unlock' }),
    start_pin_change: () => jobView({ id: 7, kind: 'pin_change' }),
    stop_job: () => ({}),
    dismiss_job: () => ({}),
  })
  await show(Nothing, { backend })
  const jobs = useJobs()
  await jobs.startRenewal('O', true)
  expect(backend.last('start_renewal')).toEqual({ no: 'O', remove_old: true })
  await jobs.startUnlock({ tokenId: 'k' })
  expect(backend.last('start_unlock')).toEqual({ token_id: 'k', no: null })
  await jobs.startPinChange('k')
  await jobs.stop()
  expect(backend.last('stop_job')).toEqual({ job: 7 })
  await jobs.dismiss()
  expect(jobs.job).toBeNull()
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
      throw commandError()
    },
  })
  await show(Nothing, { backend })
  const settings = useSettings()
  await expect(settings.change({ theme: 'dark' })).rejects.toThrow('test.failed')
  expect(settings.settings.theme).toBe('system')
})
