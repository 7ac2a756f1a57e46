import { createRouter, createWebHashHistory, type Router, type RouterHistory } from 'vue-router'
import { useSession } from '@/stores/session'
import { routes } from './routes'

/** `history`: of the window, but in tests. */
export function openRouter(history: RouterHistory = createWebHashHistory()): Router {
  const router = createRouter({ history, routes })
  router.beforeEach((to) => {
    if (to.meta.login && !useSession().loggedIn) return { name: 'login', query: { to: to.fullPath } }
    return true
  })
  return router
}

/** Where somebody wanted to go before the login: a page of this program, or the first one. */
export function returnPath(to: unknown): string {
  return typeof to === 'string' && /^\/(?!\/)/.test(to) ? to : '/'
}
