import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import { useBackend } from '@/backend'
import type { PublicStatus } from '@/backend/contract'

/** States in which an order waits for the applicant. */
export const WAITING_FOR_APPLICANT: readonly PublicStatus[] = [
  'awaiting_payment',
  'rejected',
  'awaiting_renewal',
  'awaiting_recovery',
  'awaiting_download',
  'awaiting_unlock',
]

/** How many orders there are per state; for the badge in the navigation. */
export const useOrderCounts = defineStore('order-counts', () => {
  const backend = useBackend()
  const counts = shallowRef<Record<string, number>>({})

  return {
    counts,
    waiting: computed(() => WAITING_FOR_APPLICANT.reduce((sum, state) => sum + (counts.value[state] ?? 0), 0)),
    hear: (heard: Record<string, number>) => void (counts.value = heard),
    clear: () => void (counts.value = {}),
    /** A badge is not worth a message: where the orders cannot be had, what was known stays. */
    async refresh() {
      const list = await backend.call('orders', { query: { page_size: 1 } }).catch(() => undefined)
      if (list) counts.value = list.counts
    },
  }
})
