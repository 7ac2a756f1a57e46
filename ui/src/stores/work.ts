import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import { useBackend } from '@/backend'
import type { Answer, JobView } from '@/backend/contract'

/** The work on a key that is under way, or that ended last and was not put away. */
export const useWork = defineStore('work', () => {
  const backend = useBackend()
  const work = shallowRef<JobView | null>(null)

  /** Events and answers may cross: an older view never takes the place of a newer one. */
  function hear(heard: JobView | null) {
    const now = work.value
    const isOlder =
      heard && now && (heard.id < now.id || (heard.id === now.id && heard.version < now.version))
    if (!isOlder) work.value = heard
  }

  return {
    work,
    running: computed(() => (work.value && !work.value.outcome ? work.value : null)),
    /** The key is being written. */
    onToken: computed(() => work.value?.on_token === true && !work.value.outcome),
    hear,
    async startRenewal(no: string, removeOld: boolean) {
      hear(await backend.call('start_renewal', { no, remove_old: removeOld }))
    },
    async giveUp(no: string) {
      hear(await backend.call('give_up', { no }))
    },
    async startUnlock(from: { tokenId?: string; no?: string } = {}) {
      hear(await backend.call('start_unlock', { token_id: from.tokenId ?? null, no: from.no ?? null }))
    },
    async startPinChange(tokenId: string) {
      hear(await backend.call('start_pin_change', { token_id: tokenId }))
    },
    /** To the question that is asked now; a secret in it is handed on and kept nowhere. */
    async answer(answer: Answer) {
      const now = work.value
      if (now?.asked) await backend.call('answer', { work: now.id, question: now.asked.id, answer })
    },
    async stop() {
      if (work.value) await backend.call('stop_job', { work: work.value.id })
    },
    async dismiss() {
      const now = work.value
      if (!now) return
      await backend.call('dismiss_job', { work: now.id })
      if (work.value?.id === now.id) work.value = null
    },
  }
})
