import { shallowRef, watch } from 'vue'
import type { CodeSent, JobView } from '@/backend/contract'

/** A code on its way to a phone, and when it was sent. */
export interface SentCode {
  job: number
  sent: CodeSent
  at: number
}

/**
 * The sending that a job's question for a code is about. A code that was not right is asked for again with the same
 * sending: the wait for the next one runs on.
 */
export function useCodeSent(job: () => JobView) {
  const code = shallowRef<SentCode>()

  function hear({ id, asked }: JobView) {
    if (asked?.question.ask !== 'code') return
    const { phone, valid_for, next_after, refused } = asked.question
    const known = code.value?.job === id ? code.value.sent : undefined
    if (refused && known) {
      if (refused.retry_after == null) return
      code.value = { job: id, sent: { ...known, next_after: refused.retry_after }, at: Date.now() }
    } else {
      code.value = { job: id, sent: { phone, valid_for, next_after }, at: Date.now() }
    }
  }

  watch(job, hear, { immediate: true })
  return code
}

/** The same sending, with what is left of the wait now. */
export function leftOf({ sent, at }: SentCode): CodeSent {
  const elapsed = (Date.now() - at) / 1000
  return { ...sent, next_after: Math.max(0, Math.ceil(sent.next_after - elapsed)) }
}
