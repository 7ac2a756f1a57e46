import type { Backend, CommandName, Given } from './backend'
import { CommandError } from './failure'
import { isPortalSilent } from './problem-codes'

/** Answered from this machine: they say nothing about the portal. */
const LOCAL = new Set<CommandName>([
  'start',
  'change_settings',
  'use_portal',
  'logout',
  'refresh_tokens',
  'export_certificate',
  'start_renewal',
  'start_unlock',
  'start_pin_change',
  'job',
  'answer',
  'stop_job',
  'dismiss_job',
  'unfinished',
  'diagnose',
  'diagnosis_file',
  'unknown_token',
])

/** The same back end; tells after each call that the portal had to answer whether it did. */
export function hearingPortal(backend: Backend, heard: (answers: boolean) => void): Backend {
  return {
    ...backend,
    async call<N extends CommandName>(name: N, ...given: Given<N>) {
      try {
        const result = await backend.call(name, ...given)
        if (!LOCAL.has(name)) heard(true)
        return result
      } catch (thrown) {
        if (!LOCAL.has(name) && thrown instanceof CommandError) heard(!isPortalSilent(thrown.failure.code))
        throw thrown
      }
    },
  }
}
