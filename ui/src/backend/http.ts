import type { Backend, CommandName, Given, Result } from './backend'
import { copyText } from './clipboard'
import type { Event as AssistantEvent, TextFile } from './contract'
import { isFailure, ownFailure, CommandError } from './failure'
import { APP_INTERNAL, APP_UNREACHABLE } from './problem-codes'

/** The development server: the same commands over HTTP. Not in a release build. */
export function httpBackend(accessToken: string): Backend {
  return {
    call: <N extends CommandName>(name: N, ...[args]: Given<N>) => post<Result<N>>(accessToken, name, args ?? {}),
    events(listener) {
      const source = new EventSource(`/events?access_token=${encodeURIComponent(accessToken)}`)
      source.onmessage = (message: MessageEvent<string>) => listener(JSON.parse(message.data) as AssistantEvent)
      return () => source.close()
    },
    shell: {
      saveText: (file) => Promise.resolve(download(file)),
      onCloseAsked: () => () => undefined,
      answerClose: () => Promise.resolve(),
      copy: copyText,
    },
  }
}

async function post<T>(accessToken: string, name: string, args: unknown): Promise<T> {
  const answer = await fetch(`/ipc/${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-access-token': accessToken },
    body: JSON.stringify(args),
  }).catch(() => {
    throw new CommandError(ownFailure(APP_UNREACHABLE))
  })
  const body: unknown = await answer.json().catch(() => undefined)
  if (answer.ok && body !== undefined) return body as T
  throw new CommandError(isFailure(body) ? body : ownFailure(APP_INTERNAL))
}

function download(file: TextFile): boolean {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([file.text], { type: 'text/plain;charset=utf-8' }))
  link.download = file.name
  link.click()
  URL.revokeObjectURL(link.href)
  return true
}
