import { clearMocks, mockIPC } from '@tauri-apps/api/mocks'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type Backend, CommandError } from '@/backend'
import type { Event as AssistantEvent } from '@/backend/contract'
import { httpBackend } from '@/backend/http'
import { ipcBackend } from '@/backend/ipc'
import { hearingPortal } from '@/backend/portal-health'
import { speak } from '@/i18n'
import { FakeBackend, failure, tokensView, project, commandError } from './fake'

async function refused(call: Promise<unknown>): Promise<CommandError> {
  const thrown: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(thrown).toBeInstanceOf(CommandError)
  return thrown as CommandError
}

describe('over IPC', () => {
  afterEach(() => clearMocks())

  test('a command is called by its name, with its arguments', async () => {
    const calls: unknown[] = []
    mockIPC((name, args) => {
      calls.push([name, args])
      return { phone: '138****0000', valid_for: 60, next_after: 60 }
    })
    await ipcBackend().call('login_code', { phone: '13800000000' })
    expect(calls).toEqual([['login_code', { phone: '13800000000' }]])
  })

  test('a failure stays what it is', async () => {
    mockIPC(() => {
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- as Tauri does it
      throw failure({ code: 'portal.busy' })
    })
    expect((await refused(ipcBackend().call('project'))).failure.code).toBe('portal.busy')
  })

  test('anything else is a fault of the program, told in the language in use', async () => {
    mockIPC(() => {
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- as Tauri does it
      throw 'command project not found'
    })
    const { failure: told } = await refused(ipcBackend().call('project'))
    expect(told).toMatchObject({ code: 'app.internal', action: 'diagnose' })
    expect(told.sentence).toContain('程序错误')
    speak('en')
    expect((await refused(ipcBackend().call('project'))).failure.sentence).toContain('internal error')
  })

  test('events come through the channel that watch was handed', async () => {
    let channel: { onmessage: (event: AssistantEvent) => void } | undefined
    mockIPC((name, args) => {
      if (name === 'watch') channel = (args as { channel: typeof channel }).channel
    })
    const heard: AssistantEvent[] = []
    const stop = ipcBackend().events((event) => heard.push(event))
    await Promise.resolve()
    const event: AssistantEvent = { event: 'tokens', tokens: tokensView() }
    channel?.onmessage(event)
    stop()
    channel?.onmessage(event)
    expect(heard).toEqual([event])
  })

  test('the window saves texts and answers its close', async () => {
    const calls: unknown[] = []
    mockIPC((name, args) => {
      calls.push([name, args])
      return false
    })
    const { shell } = ipcBackend()
    expect(await shell.saveText({ name: 'a.txt', text: 'a' })).toBe(false)
    await shell.answerClose('background')
    expect(calls).toEqual([
      ['save_text', { file: { name: 'a.txt', text: 'a' } }],
      ['close_answer', { answer: 'background' }],
    ])
  })
})

describe('over HTTP', () => {
  afterEach(() => vi.unstubAllGlobals())

  const answering = (answer: Response | Error) => {
    const fetched = vi.fn<typeof fetch>(() => (answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)))
    vi.stubGlobal('fetch', fetched)
    return fetched
  }

  test('a command is a path, its arguments the body, the access token a header', async () => {
    const fetched = answering(Response.json(project()))
    expect(await httpBackend('secret').call('project')).toEqual(project())
    const [url, request] = fetched.mock.calls[0] ?? []
    expect(url).toBe('/ipc/project')
    expect(request).toMatchObject({ method: 'POST', body: '{}', headers: { 'x-access-token': 'secret' } })
  })

  test('a failure stays what it is', async () => {
    answering(Response.json(failure({ code: 'portal.busy' }), { status: 422 }))
    expect((await refused(httpBackend('t').call('project'))).failure.code).toBe('portal.busy')
  })

  test('nobody answers', async () => {
    answering(new TypeError('failed to fetch'))
    const { failure: told } = await refused(httpBackend('t').call('project'))
    expect(told).toMatchObject({ code: 'app.unreachable', action: 'retry' })
  })

  test.each([
    [403, 'forbidden'],
    [500, '{"oops":1}'],
    [200, 'no JSON'],
  ])('an answer that is none (%i) is a fault of the program', async (status, body) => {
    answering(new Response(body, { status }))
    expect((await refused(httpBackend('t').call('project'))).failure.code).toBe('app.internal')
  })

  test('events come as a stream', () => {
    const sources: { url: string; onmessage?: (message: { data: string }) => void; close: () => void }[] = []
    const closed = vi.fn()
    vi.stubGlobal(
      'EventSource',
      class {
        close = closed
        constructor(readonly url: string) {
          sources.push(this)
        }
      },
    )
    const heard: AssistantEvent[] = []
    const stop = httpBackend('a b').events((event) => heard.push(event))
    expect(sources[0]?.url).toBe('/events?access_token=a%20b')
    sources[0]?.onmessage?.({ data: '{"event":"session","session":null}' })
    expect(heard).toEqual([{ event: 'session', session: null }])
    stop()
    expect(closed).toHaveBeenCalledOnce()
  })
})

describe('whether the portal answers', () => {
  async function heardFrom(call: (backend: Backend) => Promise<unknown>, answers: ConstructorParameters<typeof FakeBackend>[0]) {
    const heard: boolean[] = []
    await call(hearingPortal(new FakeBackend(answers), (is) => heard.push(is))).catch(() => undefined)
    return heard
  }

  test('is told by what was asked of it', async () => {
    const ask = (backend: Backend) => backend.call('project')
    const not = (code: string) => ({
      project: () => {
        throw commandError({ code })
      },
    })
    expect(await heardFrom(ask, { project: () => project() })).toEqual([true])
    expect(await heardFrom(ask, not('portal.timeout'))).toEqual([false])
    expect(await heardFrom(ask, not('portal.unreachable'))).toEqual([false])
    expect(await heardFrom(ask, not('order.not_found'))).toEqual([true])
  })

  test('is not told by what this machine answers', async () => {
    expect(await heardFrom((backend) => backend.call('refresh_tokens'), { refresh_tokens: () => tokensView() })).toEqual([])
  })
})
