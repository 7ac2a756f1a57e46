import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import { useBackend } from '@/backend'
import type { SessionView } from '@/backend/contract'

export const useSession = defineStore('session', () => {
  const backend = useBackend()
  const session = shallowRef<SessionView | null>(null)

  return {
    session,
    loggedIn: computed(() => session.value !== null),
    /** `138****0000` */
    phone: computed(() => session.value?.phone ?? ''),
    hear: (heard: SessionView | null) => void (session.value = heard),
    /** The code is handed on and kept nowhere. */
    async login(phone: string, code: string) {
      session.value = await backend.call('login', { phone, code })
    },
    async logout() {
      await backend.call('logout')
      session.value = null
    },
  }
})
