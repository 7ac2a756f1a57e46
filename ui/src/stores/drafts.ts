import { defineStore } from 'pinia'
import { watch } from 'vue'
import type { OrderForm } from '@/backend/contract'
import { useSession } from './session'

/** What was typed into forms and is not kept at the portal yet. In memory alone: it is personal. */
export const useDrafts = defineStore('drafts', () => {
  const session = useSession()
  const unsaved = new Map<string, OrderForm>()
  let owner = ''

  watch(
    () => session.phone,
    (phone) => {
      // A session that ran out in the middle of a form is taken up again; somebody else's finds nothing.
      if (phone && phone !== owner) unsaved.clear()
      if (phone) owner = phone
    },
    { immediate: true },
  )

  return {
    of: (no: string): OrderForm | undefined => unsaved.get(no),
    keep: (no: string, form: OrderForm) => void unsaved.set(no, form),
    forget: (no: string) => void unsaved.delete(no),
  }
})
