import { flushPromises, type VueWrapper } from '@vue/test-utils'
import { expect, test, vi } from 'vitest'
import type { Question, StepView, JobView } from '@/backend/contract'
import JobScreen from '@/components/job/JobScreen.vue'
import { leftOf } from '@/components/job/code-sent'
import PinChangePage from '@/pages/job/PinChangePage.vue'
import UnlockPage from '@/pages/job/UnlockPage.vue'
import { useJobs } from '@/stores/jobs'
import { failure, FakeBackend, tokensView, tokenView, settled, show, startView, jobView } from './fake'

const TOKEN = { token_id: 'token-3F21', tail: '3F21', holder: '示例商贸有限公司' }
const RULES = { min_len: 6, max_len: 8, digits_only: true }
const SECRET = '90817263'

const NAMES = ['find_token', 'open', 'pin', 'generate', 'sign', 'write', 'confirm']

function steps(running: number, name?: string): StepView[] {
  return NAMES.map((own, index) => ({
    name: index === running && name ? name : own,
    word: own,
    state: index < running ? 'done' : index === running ? 'running' : 'waiting',
    usual_seconds: 5,
    longest_seconds: 30,
    milliseconds: index < running ? index * 100 : null,
  }))
}

function asked(question: Question, changed: Partial<JobView> = {}): JobView {
  return jobView({ steps: steps(2), asked: { id: 7, question }, ...changed })
}

async function screen(job: JobView, props: Record<string, unknown> = {}) {
  const backend = new FakeBackend({ start: () => startView({ job }), answer: () => ({}), stop_job: () => ({}) })
  const shown = await show(JobScreen, { backend, props: { job, busy: false, failure: null, ...props } })
  return { ...shown, answered: () => (backend.last('answer') as { answer: unknown } | undefined)?.answer }
}

const button = (wrapper: VueWrapper, word: string) => {
  const found = wrapper.findAll('button').find((button) => button.text() === word)
  if (!found) throw new Error(`no button ${word}`)
  return found
}

async function type(wrapper: VueWrapper, id: string, text: string) {
  await wrapper.find(`[data-testid=${id}]`).setValue(text)
}

const pin = (changed: Partial<Extract<Question, { ask: 'pin' }>> = {}): Question => ({
  ask: 'pin',
  token: TOKEN,
  retry_counter: { kind: 'exactly', n: 5 },
  again: false,
  last_try: false,
  is_initial: false,
  each_signature: false,
  ...changed,
})

test('a PIN is asked for with its token and retry counter; it is handed on once and the box is empty', async () => {
  const { wrapper, answered, backend } = await screen(asked(pin({ is_initial: true })))
  expect(wrapper.text()).toContain('示例商贸有限公司（尾号 3F21）')
  expect(wrapper.text()).toContain('请输入这支 USBKEY 的口令。若从未修改，为 12345678；还可试 5 次。')
  expect(document.activeElement?.getAttribute('data-testid')).toBe('pin-input')
  await type(wrapper, 'pin-input', SECRET)
  await wrapper.find('form').trigger('submit')
  await wrapper.find('form').trigger('submit')
  expect(answered()).toEqual({ answer: 'pin', pin: SECRET })
  expect(backend.count('answer')).toBe(1)
  expect(wrapper.find<HTMLInputElement>('[data-testid=pin-input]').element.value).toBe('')
  expect(JSON.stringify(useJobs().$state)).not.toContain(SECRET)
})

test('an empty PIN is not sent', async () => {
  const { wrapper, answered } = await screen(asked(pin()))
  await wrapper.find('form').trigger('submit')
  expect(answered()).toBeUndefined()
  expect(wrapper.text()).toContain('请先输入口令。')
})

test('after a wrong PIN it says what is left, in the form that the token gives', async () => {
  const says = async (retry_counter: Extract<Question, { ask: 'pin' }>['retry_counter']) => {
    const { wrapper } = await screen(asked(pin({ again: true, retry_counter })))
    const text = wrapper.find('.problem').text()
    wrapper.unmount()
    return text
  }
  expect(await says({ kind: 'exactly', n: 4 })).toBe(
    '口令不正确，还可再试 4 次。连续输错后 USBKEY 会被锁定，可用“解锁”重新设置。',
  )
  expect(await says({ kind: 'low' })).toContain('剩余次数不多')
  expect(await says({ kind: 'final_try' })).toContain('只剩最后一次')
  expect(await says({ kind: 'not_low' })).toMatch(/^口令不正确。/)
})

test('the final try is not spent without an explicit yes', async () => {
  const { wrapper, answered } = await screen(asked(pin({ last_try: true, retry_counter: { kind: 'final_try' } })))
  await type(wrapper, 'pin-input', SECRET)
  await wrapper.find('form').trigger('submit')
  expect(answered()).toBeUndefined()
  expect(wrapper.text()).toContain('请先勾选')
  await wrapper.find('[data-testid=last-try-yes] input').setValue(true)
  await wrapper.find('form').trigger('submit')
  expect(answered()).toEqual({ answer: 'pin', pin: SECRET })
})

test('a token model that asks at every signature says so', async () => {
  const { wrapper } = await screen(asked(pin({ each_signature: true, retry_counter: { kind: 'not_low' } })))
  expect(wrapper.text()).toContain('这种 USBKEY 每次签名都要口令')
})

test('an answer that comes too late is told, and may be given again', async () => {
  const { wrapper, backend } = await screen(asked(pin()))
  backend.answers.answer = () => {
    throw Object.assign(new Error(), {})
  }
  await type(wrapper, 'pin-input', SECRET)
  await wrapper.find('form').trigger('submit')
  await flushPromises()
  expect(wrapper.find('.failure').exists()).toBe(true)
  expect(wrapper.find('[data-testid=pin-input]').attributes('disabled')).toBeUndefined()
})

test('Esc stops, but not where a dialog or something else has it', async () => {
  const { answered } = await screen(asked(pin()))
  const other = document.createElement('button')
  document.body.append(other)
  other.focus()
  other.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }))
  expect(answered()).toBeUndefined()
  other.blur()
  window.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', cancelable: true }))
  await flushPromises()
  expect(answered()).toEqual({ answer: 'stop' })
})

test('a token that was pulled: the promise about the old certificate only where it is known to hold', async () => {
  const pulled: Question = { ask: 'token', problem: 'pulled', wanted: null, inserted: [], at_step: '写入证书' }
  const sure = await screen(asked(pulled), { oldStays: true })
  expect(sure.wrapper.text()).toContain('更新停在“写入证书”。')
  expect(sure.wrapper.text()).toContain('旧证书没有被删除，不用重新付款。请插回尾号 3F21，输入口令后继续。')
  sure.wrapper.unmount()
  const unsure = await screen(asked(pulled), { oldStays: false })
  expect(unsure.wrapper.text()).not.toContain('旧证书没有被删除')
  expect(unsure.wrapper.text()).toContain('不用重新付款。请插回尾号 3F21')
})

test('none, several and the wrong token in the words of the token card', async () => {
  const says = async (question: Partial<Extract<Question, { ask: 'token' }>>) => {
    const full: Question = { ask: 'token', problem: 'absent', wanted: null, inserted: [], at_step: null, ...question }
    const { wrapper } = await screen(jobView({ steps: steps(0), asked: { id: 1, question: full } }))
    const text = wrapper.find('form h2').text()
    wrapper.unmount()
    return text
  }
  const other = { token_id: 'token-88A0', tail: '88A0', holder: '乙公司' }
  expect(await says({})).toBe('请插入 USBKEY，会自动识别。')
  expect(await says({ wanted: TOKEN })).toContain('尾号 3F21')
  expect(await says({ problem: 'several', inserted: [TOKEN, other] })).toBe(
    '发现 2 支：示例商贸有限公司（尾号 3F21）、乙公司（尾号 88A0）。请只留要办理的一支。',
  )
  expect(await says({ problem: 'wrong', inserted: [TOKEN], wanted: other })).toBe(
    '插入的是示例商贸有限公司，需要乙公司（尾号 88A0）。尚未改动，请更换。',
  )
})

test('the old key pair is removed only after the box is ticked', async () => {
  const { wrapper, answered } = await screen(asked({ ask: 'replace', token: TOKEN, holder: '甲公司' }))
  expect(wrapper.text()).toContain('还有未开标、用旧证书加密的投标文件吗？')
  expect(wrapper.text()).toContain('甲公司（尾号 3F21）')
  await wrapper.find('form').trigger('submit')
  expect(answered()).toBeUndefined()
  await wrapper.find('[data-testid=replace-yes] input').setValue(true)
  await wrapper.find('form').trigger('submit')
  expect(answered()).toEqual({ answer: 'yes' })
})

test('before a code: the phone, and what an approver reads only where one approves', async () => {
  const plain = await screen(asked({ ask: 'before_code', token: TOKEN, phone: '138****0000', approval: false }, { kind: 'unlock' }))
  expect(plain.wrapper.text()).toContain('验证码将发到经办人 138****0000，请先联系好再发送。')
  expect(plain.wrapper.find('[data-testid=used-at]').exists()).toBe(false)
  await plain.wrapper.find('form').trigger('submit')
  expect(plain.answered()).toEqual({ answer: 'send_code', used_at: null, note: null })
  plain.wrapper.unmount()
  const form = await screen(asked({ ask: 'before_code', token: TOKEN, phone: '138****0000', approval: true }, { kind: 'unlock' }))
  await type(form.wrapper, 'used-at', ' 招采平台 ')
  await form.wrapper.find('form').trigger('submit')
  expect(form.answered()).toEqual({ answer: 'send_code', used_at: '招采平台', note: null })
})

const code = (refused: ReturnType<typeof failure> | null = null): Question => ({
  ask: 'code',
  phone: '138****0000',
  valid_for: 60,
  next_after: 60,
  refused,
})

test('a code that was refused is asked for again, while the wait for the next one runs on', async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true })
  try {
    const job = asked(code(), { kind: 'unlock' })
    const { wrapper, answered } = await screen(job)
    await type(wrapper, 'code-input', '123 456')
    await wrapper.find('form').trigger('submit')
    expect(answered()).toEqual({ answer: 'code', code: '123456' })
    await vi.advanceTimersByTimeAsync(20_000)
    await wrapper.setProps({ job: { ...job, version: 2, asked: null } })
    const refused = failure({ code: 'sms.code_wrong', sentence: '验证码不正确。', remedy: '请重新输入。' })
    await wrapper.setProps({ job: { ...job, version: 3, asked: { id: 8, question: code(refused) } } })
    expect(wrapper.text()).toContain('验证码不正确。请重新输入。')
    const wait = Number(/(\d+) 秒后可重新发送/.exec(wrapper.text())?.[1])
    expect(wait).toBeGreaterThan(35)
    expect(wait).toBeLessThanOrEqual(40)
    await wrapper.setProps({ job: { ...job, version: 4, asked: { id: 9, question: code() } } })
    expect(wrapper.text()).toContain('60 秒后可重新发送')
  } finally {
    vi.useRealTimers()
  }
})

test('what is left of the wait is never less than nothing', () => {
  const sent = { phone: '', valid_for: 60, next_after: 60 }
  expect(leftOf({ job: 1, sent, at: Date.now() - 90_000 }).next_after).toBe(0)
})

test('stopping after a code was sent says what it costs', async () => {
  const { wrapper, answered } = await screen(asked(code(), { kind: 'unlock' }))
  await wrapper.find('[data-testid=job-stop]').trigger('click')
  await flushPromises()
  expect(answered()).toBeUndefined()
  expect(document.body.textContent).toContain('已收到的验证码会作废')
})

test('a new PIN is typed twice under its rules; only what is missing is told here, the rest by the core', async () => {
  const { wrapper, answered } = await screen(
    asked({ ask: 'new_pin', token: TOKEN, rules: RULES, refused: failure({ sentence: '两次不一样。', remedy: '请重输。' }) }, { kind: 'unlock' }),
  )
  expect(wrapper.text()).toContain('6–8 位数字')
  expect(wrapper.text()).toContain('两次不一样。请重输。')
  await type(wrapper, 'new-pin', SECRET)
  await wrapper.find('form').trigger('submit')
  expect(wrapper.text()).toContain('请再输一次新口令。')
  expect(answered()).toBeUndefined()
  await type(wrapper, 'new-pin-again', '1')
  await wrapper.find('form').trigger('submit')
  expect(answered()).toEqual({ answer: 'new_pin', new: SECRET, again: '1' })
  // Nothing that is typed is cut off unseen.
  expect(wrapper.find('[data-testid=new-pin]').attributes('maxlength')).toBeUndefined()
})

test('a change of the PIN has all three on one page', async () => {
  const { wrapper, answered } = await screen(
    asked(
      { ask: 'change_pin', token: TOKEN, rules: RULES, retry_counter: { kind: 'exactly', n: 3 }, is_initial: false },
      { kind: 'pin_change', steps: [] },
    ),
  )
  expect(wrapper.text()).toContain('还可试 3 次')
  await type(wrapper, 'pin-input', 'old')
  await type(wrapper, 'new-pin', SECRET)
  await type(wrapper, 'new-pin-again', SECRET)
  await wrapper.find('form').trigger('submit')
  expect(answered()).toEqual({ answer: 'change_pin', old: 'old', new: SECRET, again: SECRET })
})

test('yes and no: the safe answer is the filled one', async () => {
  const ask = async (question: Question, word: string) => {
    const { wrapper, answered } = await screen(asked(question, { kind: 'unlock' }))
    const filled = wrapper.findAll('.el-button--primary').map((button) => button.text())
    await button(wrapper, word).trigger('click')
    wrapper.unmount()
    return { filled, answered: answered() }
  }
  expect(await ask({ ask: 'weak', why: '连续' }, '仍用这一个')).toEqual({ filled: ['换一个'], answered: { answer: 'yes' } })
  expect(await ask({ ask: 'last_try', token: TOKEN }, '先不试')).toEqual({ filled: ['先不试'], answered: { answer: 'no' } })
  expect(await ask({ ask: 'forgotten', token: TOKEN, retry_counter: { kind: 'not_low' } }, '没有忘记')).toEqual({
    filled: ['忘记了，设置新口令'],
    answered: { answer: 'no' },
  })
})

test('a portal that is silent: once more, or later', async () => {
  const question: Question = { ask: 'portal', failure: failure({ code: 'portal.timeout' }) }
  const { wrapper, answered } = await screen(asked(question, { kind: 'unlock' }))
  expect(wrapper.text()).toContain('portal.timeout')
  expect(button(wrapper, '稍后继续').exists()).toBe(true)
  await wrapper.find('form').trigger('submit')
  expect(answered()).toEqual({ answer: 'yes' })
})

test('a PIN that was set before is proven, or another one is set', async () => {
  const { wrapper, answered } = await screen(asked({ ask: 'pin_set_before', token: TOKEN }, { kind: 'unlock' }))
  await button(wrapper, '不记得，重新设置').trigger('click')
  expect(answered()).toEqual({ answer: 'no' })
})

test('a token that was pulled while its PIN changed is looked for again when the user says so', async () => {
  const { wrapper, answered } = await screen(asked({ ask: 'put_back', token: TOKEN }, { kind: 'pin_change', steps: [] }))
  expect(wrapper.text()).toContain('请插回尾号 3F21')
  await button(wrapper, '再找一次').trigger('click')
  expect(answered()).toEqual({ answer: 'yes' })
})

test('while the token is written: the banner, the step, how long, and what is safe', async () => {
  const { wrapper } = await screen(jobView({ steps: steps(3), on_token: true }), { oldStays: true })
  expect(wrapper.find('[data-testid=job-banner]').text()).toBe('正在写入，请勿拔出 USBKEY。旧证书未改动。')
  expect(wrapper.text()).toContain('第 4/7 步 · 通常 5 秒，最长 30 秒')
  expect(wrapper.find('[role=status]').text()).toBe(
    '第 4/7 步：generate，通常 5 秒，最长 30 秒。请勿拔出。旧证书未改动。',
  )
  expect(wrapper.text()).toContain('什么都不会丢')
  const times = wrapper.findAll('li.done .time').map((time) => time.text())
  expect(times).toEqual(['0.1 秒', '0.2 秒'])
})

test('nothing is said of the old certificate where it is not known, and where key pairs are removed', async () => {
  const unsure = await screen(jobView({ steps: steps(3), on_token: true }), { oldStays: false })
  expect(unsure.wrapper.text()).not.toContain('旧证书未改动')
  unsure.wrapper.unmount()
  const removing = await screen(jobView({ steps: steps(6, 'remove_superseded'), on_token: true }), { oldStays: true })
  expect(removing.wrapper.text()).not.toContain('旧证书未改动')
})

test('the browser asks before it leaves a page while something is written', async () => {
  const leave = () => {
    const event = new Event('beforeunload', { cancelable: true })
    window.dispatchEvent(event)
    return event.defaultPrevented
  }
  const { wrapper, backend } = await screen(jobView({ steps: steps(3), on_token: true }))
  expect(leave()).toBe(true)
  backend.tell({ event: 'job', job: jobView({ version: 2, outcome: { outcome: 'unlocked' } }) })
  expect(leave()).toBe(false)
  wrapper.unmount()
  expect(leave()).toBe(false)
})

test('a step that takes long may be stopped while the token is not written', async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true })
  try {
    const { wrapper, backend } = await screen(jobView({ steps: steps(1) }))
    expect(wrapper.findAll('button')).toHaveLength(0)
    await vi.advanceTimersByTimeAsync(3100)
    await button(wrapper, '先停下').trigger('click')
    expect(backend.count('stop_job')).toBe(1)
    await wrapper.setProps({ job: jobView({ steps: steps(3), on_token: true }) })
    await vi.advanceTimersByTimeAsync(3100)
    expect(wrapper.findAll('button')).toHaveLength(0)
  } finally {
    vi.useRealTimers()
  }
})

const renewed = {
  outcome: 'renewed',
  holder: '示例商贸有限公司',
  old_until: '2026-12-20T04:00:00Z',
  new_until: '2027-12-20T04:00:00Z',
  serial: '0B',
} as const

test('renewed: both ends of validity, and the rest only as read back from the token', async () => {
  const { wrapper, backend } = await screen(jobView({ steps: steps(7), outcome: renewed }))
  expect(wrapper.findAll('dd').map((end) => end.text())).toEqual(['2026-12-20', '2027-12-20'])
  expect(wrapper.text()).toContain('口令未变。现在可以拔下 USBKEY。')
  expect(wrapper.text()).not.toContain('仍在这支 USBKEY 上')
  expect(wrapper.text()).not.toContain('初始口令')
  const pin = { ...tokenView().pin, is_initial: true }
  backend.tell({ event: 'tokens', tokens: tokensView(tokenView({ pin })) })
  await flushPromises()
  expect(wrapper.text()).toContain('旧证书和它的密钥对仍在这支 USBKEY 上')
  expect(wrapper.text()).toContain('仍是初始口令')
  expect(document.activeElement?.id).toBe('outcome-title')
})

test('renewed, but not registered with the system: said, with what helps', async () => {
  const outcome = { ...renewed, not_registered: 'store.refused' }
  const { wrapper } = await screen(jobView({ steps: steps(7), outcome }))
  expect(wrapper.find('[data-testid=not-registered]').text()).toContain('拔出再插回')
  expect(wrapper.find('[data-testid=not-registered]').text()).toContain('[store.refused]')
  const registered = await screen(jobView({ steps: steps(7), outcome: renewed }))
  expect(registered.wrapper.find('[data-testid=not-registered]').exists()).toBe(false)
})

test('failed: the words, the code, and one filled next step', async () => {
  const outcome = { outcome: 'failed', at_step: '写入证书', can_go_on: true } as const
  const retry = await screen(
    jobView({ steps: steps(5), outcome: { ...outcome, failure: failure({ code: 'portal.timeout', action: 'retry' }) } }),
    { oldStays: true },
  )
  expect(retry.wrapper.text()).toContain('更新停在“写入证书”。')
  expect(retry.wrapper.text()).toContain('旧证书没有被删除')
  expect(retry.wrapper.text()).toContain('portal.timeout')
  expect(retry.wrapper.findAll('.el-button--primary:not(.is-link)').map((one) => one.text())).toEqual(['重试'])
  await retry.wrapper.find('[data-testid=job-again]').trigger('click')
  expect(retry.wrapper.emitted('again')).toHaveLength(1)
  retry.wrapper.unmount()

  const locked = await screen(
    jobView({ steps: steps(2), outcome: { ...outcome, failure: failure({ action: 'unlock' }) } }),
  )
  expect(locked.wrapper.find('[data-testid=job-again]').exists()).toBe(false)
  await locked.wrapper.find('[data-testid=job-remedy]').trigger('click')
  await settled()
  expect(locked.router.currentRoute.value.fullPath).toBe('/unlock?token=token-3F21')
  locked.wrapper.unmount()

  const over = await screen(
    jobView({ steps: [], outcome: { ...outcome, at_step: null, can_go_on: false, failure: failure({ action: null }) } }),
  )
  expect(over.wrapper.findAll('.el-button--primary:not(.is-link)').map((one) => one.text())).toEqual(['返回首页'])
})

test('an unlock that was awaited by a renewal leads back to it', async () => {
  const item = {
    kind: 'renewal',
    order: 'SAAS9',
    token_id: TOKEN.token_id,
    tail: TOKEN.tail,
    holder: TOKEN.holder,
    after: 'x',
    steps_left: 3,
    at: new Date().toISOString(),
  } as const
  const job = jobView({ kind: 'unlock', steps: [], outcome: { outcome: 'unlocked' } })
  const backend = new FakeBackend({ start: () => startView({ job, unfinished: [item] }) })
  const { wrapper } = await show(JobScreen, { backend, props: { job, busy: false, failure: null } })
  expect(wrapper.text()).toContain('新口令已生效，请用新口令登录。现在可以拔下 USBKEY。')
  expect(button(wrapper, '继续更新').exists()).toBe(true)
})

test('an unlock starts with the one token that is inserted', async () => {
  const backend = new FakeBackend({ start_unlock: () => jobView({ kind: 'unlock' }) })
  const { wrapper } = await show(UnlockPage, { backend })
  const start = () => wrapper.find('[data-testid=start-unlock]')
  expect(start().attributes('disabled')).toBeDefined()
  backend.tell({ event: 'tokens', tokens: tokensView(tokenView(), tokenView({ token_id: 'other', tail: '88A0' })) })
  await flushPromises()
  expect(start().attributes('disabled')).toBeDefined()
  backend.tell({ event: 'tokens', tokens: tokensView(tokenView()) })
  await flushPromises()
  await wrapper.find('form').trigger('submit')
  expect(backend.last('start_unlock')).toEqual({ token_id: 'token-3F21', no: null })
})

test('a job that ended is dismissed with its page', async () => {
  const job = jobView({ kind: 'unlock', outcome: { outcome: 'unlocked' } })
  const backend = new FakeBackend({ start: () => startView({ job }), dismiss_job: () => ({}) })
  const { wrapper } = await show(UnlockPage, { backend })
  expect(wrapper.find('[data-testid=outcome]').attributes('data-outcome')).toBe('unlocked')
  wrapper.unmount()
  await flushPromises()
  expect(backend.count('dismiss_job')).toBe(1)
})

test('the form for another PIN is there as soon as the token is; one job at a time', async () => {
  const backend = new FakeBackend({ start_pin_change: () => jobView({ kind: 'pin_change' }) })
  const { wrapper } = await show(PinChangePage, { backend })
  expect(backend.count('start_pin_change')).toBe(0)
  backend.tell({ event: 'tokens', tokens: tokensView(tokenView()) })
  await flushPromises()
  expect(backend.last('start_pin_change')).toEqual({ token_id: 'token-3F21' })
  wrapper.unmount()

  const other = new FakeBackend({ start: () => startView({ job: jobView(), tokens: tokensView(tokenView()) }) })
  const busy = await show(PinChangePage, { backend: other })
  expect(busy.wrapper.find('[data-testid=other-job]').text()).toContain('正在办理：更新')
  expect(other.count('start_pin_change')).toBe(0)
})

test('while a token is written, to stay is the filled button, has the focus, and is what Esc does', async () => {
  const { wrapper, router } = await screen(jobView({ steps: steps(5), on_token: true }))
  useJobs().hear(jobView({ steps: steps(5), on_token: true }))
  const leave = () => router.push('/help')
  const first = leave()
  await settled()
  const dialog = () => document.querySelector<HTMLElement>('[role=dialog]')
  expect(dialog()?.querySelector('.el-button--primary')?.textContent).toContain('留在这里')
  expect(document.activeElement?.textContent).toContain('留在这里')
  document.activeElement?.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', code: 'Escape', bubbles: true }))
  await first
  expect(router.currentRoute.value.path).not.toBe('/help')
  const second = leave()
  await settled()
  ;[...document.querySelectorAll<HTMLElement>('.el-dialog button')].find((b) => b.textContent.includes('离开这一页'))?.click()
  await second
  expect(router.currentRoute.value.path).toBe('/help')
  wrapper.unmount()
})
