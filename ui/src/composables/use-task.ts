import { reactive, ref, shallowRef } from 'vue'
import { failureOf } from '@/backend'
import type { Failure } from '@/backend/contract'

/**
 * Something a page does that may take a moment and may be refused: `busy` while it runs, `failure` where it was refused
 * (for `FailureNotice`). A second `run` while one is running does nothing. Not to be taken apart: it is reactive.
 */
export function useTask<A extends unknown[]>(action: (...args: A) => Promise<unknown>) {
  const busy = ref(false)
  const failure = shallowRef<Failure | null>(null)

  /** Whether it was done. */
  async function run(...args: A): Promise<boolean> {
    if (busy.value) return false
    busy.value = true
    failure.value = null
    try {
      await action(...args)
      return true
    } catch (thrown) {
      failure.value = failureOf(thrown)
      return false
    } finally {
      busy.value = false
    }
  }

  return reactive({ busy, failure, run, clear: () => void (failure.value = null) })
}
