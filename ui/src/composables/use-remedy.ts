import { computed, type ComputedRef } from 'vue'
import { useI18n } from 'vue-i18n'
import { type RouteLocationRaw, useRoute, useRouter } from 'vue-router'
import type { RemedyAction } from '@/backend/contract'

export interface Remedy {
  word: string
  go: () => unknown
}

/** The button that does what a failure's remedy says; none where there is none, or where nothing can be tried again. */
export function useRemedy(
  action: () => RemedyAction | null | undefined,
  retry?: () => unknown,
): ComputedRef<Remedy | undefined> {
  const { t } = useI18n()
  const router = useRouter()
  const route = useRoute()

  const routes: Record<Exclude<RemedyAction, 'retry'>, () => RouteLocationRaw> = {
    login: () => ({ name: 'login', query: { to: route.fullPath } }),
    unlock: () => ({ name: 'unlock' }),
    diagnose: () => ({ name: 'diagnosis' }),
    orders: () => ({ name: 'orders' }),
    settings: () => ({ name: 'settings' }),
    help: () => ({ name: 'help', hash: '#hotline' }),
  }

  return computed(() => {
    const name = action()
    if (!name) return undefined
    const word = t(`common.action.${name}`)
    if (name !== 'retry') return { word, go: () => router.push(routes[name]()) }
    return retry && { word, go: retry }
  })
}
