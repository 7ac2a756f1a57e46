import type { Backend } from './backend'
import { httpBackend } from './http'
import { ipcBackend } from './ipc'

export * from './backend'
export { failureOf, ownFailure, CommandError } from './failure'

/** The one this build is made for; the other is not in it. */
export function openBackend(): Backend {
  if (import.meta.env.MODE === 'browser') {
    return httpBackend(new URLSearchParams(window.location.search).get('access_token') ?? '')
  }
  return ipcBackend()
}
