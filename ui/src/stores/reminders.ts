import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import type { Reminder } from '@/backend/contract'

/** Certificates that this machine was reminded of since the window opened; one per token. */
export const useReminders = defineStore('reminders', () => {
  const items = shallowRef<Reminder[]>([])
  return {
    items,
    hear(heard: Reminder) {
      items.value = [...items.value.filter((known) => known.tail !== heard.tail), heard]
    },
  }
})
