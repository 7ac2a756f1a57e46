import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import type { UnfinishedView } from '@/backend/contract'

/** Jobs that were started on this machine and did not come to their end. */
export const useUnfinished = defineStore('unfinished', () => {
  const items = shallowRef<UnfinishedView[]>([])
  return { items, hear: (heard: UnfinishedView[]) => void (items.value = heard) }
})
