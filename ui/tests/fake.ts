import { flushPromises, mount } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { vi } from 'vitest'
import { type Component, createApp } from 'vue'
import { createMemoryHistory, type Router } from 'vue-router'
import { type Args, type Backend, backendKey, type CloseAnswer, type CommandName, CommandError, type Result } from '@/backend'
import type {
  CertificateOnToken,
  Event as AssistantEvent,
  Failure,
  TokensView,
  TokenView,
  Project,
  StartView,
  TextFile,
  JobView,
} from '@/backend/contract'
import { i18n } from '@/i18n'
import { openRouter } from '@/router'
import { useApp } from '@/stores/app'

type Answers = { [N in CommandName]?: (args: Args<N>) => Result<N> | Promise<Result<N>> }

/** A back end that answers as a test says, and remembers what it was asked. */
export class FakeBackend implements Backend {
  readonly calls: { name: CommandName; args: unknown }[] = []
  readonly saved: TextFile[] = []
  readonly copied: string[] = []
  readonly closeAnswers: CloseAnswer[] = []
  private readonly listeners = new Set<(event: AssistantEvent) => void>()
  private readonly closeListeners = new Set<() => void>()

  constructor(readonly answers: Answers = {}) {
    this.answers = { start: () => startView(), ...answers }
  }

  call<N extends CommandName>(name: N, ...[args]: [args?: unknown]): Promise<Result<N>> {
    this.calls.push({ name, args })
    const answer = this.answers[name] as ((args: unknown) => Result<N> | Promise<Result<N>>) | undefined
    if (!answer) return Promise.reject(new CommandError(failure({ code: `test.${name}` })))
    return Promise.resolve().then(() => answer(args))
  }

  events(listener: (event: AssistantEvent) => void) {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  tell(event: AssistantEvent) {
    for (const listener of this.listeners) listener(event)
  }

  askToClose() {
    for (const listener of this.closeListeners) listener()
  }

  /** How often a command was called. */
  count(name: CommandName): number {
    return this.calls.filter((call) => call.name === name).length
  }

  /** What a command was called with last. */
  last(name: CommandName): unknown {
    return this.calls.findLast((call) => call.name === name)?.args
  }

  readonly shell = {
    saveText: (file: TextFile) => {
      this.saved.push(file)
      return Promise.resolve(true)
    },
    onCloseAsked: (listener: () => void) => {
      this.closeListeners.add(listener)
      return () => void this.closeListeners.delete(listener)
    },
    answerClose: (answer: CloseAnswer) => {
      this.closeAnswers.push(answer)
      return Promise.resolve()
    },
    copy: (text: string) => {
      this.copied.push(text)
      return Promise.resolve()
    },
  }
}

/** All that was set going has come to rest, pages that are loaded when they are needed included. */
export async function settled() {
  await flushPromises()
  await vi.dynamicImportSettled()
  await flushPromises()
}

/** A component or page as in the window: stores started and listening, real router at `at`. */
export async function show(
  component: Component,
  options: { backend?: FakeBackend; at?: string; props?: Record<string, unknown>; slots?: Record<string, string> } = {},
) {
  const { backend = new FakeBackend(), at = '/', props, slots } = options
  const pinia = createPinia()
  const app = createApp({})
  app.use(pinia)
  app.provide(backendKey, backend)
  setActivePinia(pinia)
  const store = useApp()
  store.listen()
  await store.start()
  const router: Router = openRouter(createMemoryHistory())
  await router.push(at)
  await router.isReady()
  const wrapper = mount(component, {
    attachTo: document.body,
    props,
    slots,
    global: { plugins: [pinia, i18n, router], provide: { [backendKey]: backend } },
  })
  await settled()
  return { wrapper, backend, router }
}

export function startView(changed: Partial<StartView> = {}): StartView {
  return {
    version: '0.1.0',
    settings: { language: 'zh', text_size: 'normal', theme: 'system', autostart: false, reminders: true },
    portal: { url: 'https://portal.example', name: 'portal', anchors: [] },
    project: project(),
    session: null,
    tokens: tokensView(),
    unfinished: [],
    job: null,
    ...changed,
  }
}

export function project(changed: Partial<Project> = {}): Project {
  return {
    portal: 'portal',
    code: 'lzlj',
    name: '泸州老窖招采',
    hotline: '400-666-3999',
    expiring_soon_days: 30,
    validity_start: 'old_end',
    pin: { min_len: 6, max_len: 8, digits_only: true },
    bank_account: { payee: '示例公司', bank: '示例银行', account: '0000' },
    ...changed,
  }
}

let version = 0

/** Each newer than the one before. */
export function tokensView(...tokens: TokenView[]): TokensView {
  return { version: ++version, looking: false, tokens, drivers_missing: [] }
}

export function tokenView(changed: Partial<TokenView> = {}): TokenView {
  return {
    token_id: 'token-3F21',
    tail: '3F21',
    model_name: '示例',
    label: 'YCD',
    model: 'SK',
    serial_number: '00003F21',
    state: 'read',
    failure: null,
    pin: {
      retry_counter: { kind: 'exactly', n: 6 },
      is_locked: false,
      is_last_try: false,
      is_set: true,
      is_initial: false,
      min_len: 6,
      max_len: 16,
    },
    current: 0,
    certificates: [certificateOnToken()],
    pairs_without_certificate: 0,
    free_pairs: 2,
    ...changed,
  }
}

export function certificateOnToken(changed: Partial<CertificateOnToken> = {}): CertificateOnToken {
  return {
    serial: '0A1B2C3D',
    holder: '示例商贸有限公司',
    organization: '示例商贸有限公司',
    issuer: 'CN=示例 CA',
    subject: 'CN=示例商贸有限公司',
    not_before: '2025-12-20T04:00:00Z',
    not_after: '2026-12-20T04:00:00Z',
    days_left: 200,
    state: 'valid',
    pair: 'there',
    fingerprint: 'AB'.repeat(32),
    ...changed,
  }
}

export function jobView(changed: Partial<JobView> = {}): JobView {
  return {
    id: 1,
    version: 1,
    kind: 'renewal',
    order: 'SAAS120261123142000000152',
    token: { token_id: 'token-3F21', tail: '3F21', holder: '示例商贸有限公司' },
    steps: [],
    on_token: false,
    taken_up_after: null,
    approval: false,
    clock_off: null,
    asked: null,
    outcome: null,
    ...changed,
  }
}

export function failure(changed: Partial<Failure> = {}): Failure {
  return {
    code: 'test.failed',
    sentence: '这一步没有做。',
    remedy: '请再试。',
    action: null,
    fields: [],
    retry_after: null,
    ...changed,
  }
}

export function commandError(changed: Partial<Failure> = {}): CommandError {
  return new CommandError(failure(changed))
}
