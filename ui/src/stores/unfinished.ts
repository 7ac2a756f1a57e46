import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import type { UnfinishedView } from '@/backend/contract'

/** Work that was begun on this machine and not seen to its end. */
export const useUnfinished = defineStore('unfinished', () => {
  const items = shallowRef<UnfinishedView[]>([])
  return { items, hear: (heard: UnfinishedView[]) => void (items.value = heard) }
})
