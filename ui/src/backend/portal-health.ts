import type { Backend, CommandName, Given } from './backend'
import { Refusal } from './failure'

/** Nobody answered, or not in time: the same call may well be answered later. */
const SILENT = new Set(['portal.unreachable', 'portal.timeout', 'portal.cut'])

/** Answered from this machine: they say nothing about the portal. */
const LOCAL = new Set<CommandName>([
  'start',
  'change_settings',
  'use_portal',
  'logout',
  'refresh_keys',
  'export_certificate',
  'start_renewal',
  'start_unlock',
  'start_pin_change',
  'work',
  'answer',
  'stop_work',
  'dismiss_work',
  'unfinished',
  'diagnose',
  'diagnosis_file',
  'unknown_key',
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
        if (!LOCAL.has(name) && thrown instanceof Refusal) heard(!SILENT.has(thrown.failure.code))
        throw thrown
      }
    },
  }
}
