import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import { useBackend } from '@/backend'
import type { Answer, JobView } from '@/backend/contract'

/** The job on a token that runs, or that ended last and was not dismissed. */
export const useJobs = defineStore('jobs', () => {
  const backend = useBackend()
  const job = shallowRef<JobView | null>(null)

  /** Events and answers may cross: an older view never takes the place of a newer one. */
  function hear(heard: JobView | null) {
    const now = job.value
    const isOlder =
      heard && now && (heard.id < now.id || (heard.id === now.id && heard.version < now.version))
    if (!isOlder) job.value = heard
  }

  return {
    job,
    running: computed(() => (job.value && !job.value.outcome ? job.value : null)),
    /** The token is being written. */
    onToken: computed(() => job.value?.on_token === true && !job.value.outcome),
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
      const now = job.value
      if (now?.asked) await backend.call('answer', { job: now.id, question: now.asked.id, answer })
    },
    async stop() {
      if (job.value) await backend.call('stop_job', { job: job.value.id })
    },
    async dismiss() {
      const now = job.value
      if (!now) return
      await backend.call('dismiss_job', { job: now.id })
      if (job.value?.id === now.id) job.value = null
    },
  }
})
