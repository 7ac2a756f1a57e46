import type { RouteRecordRaw } from 'vue-router'
import HomePage from '@/pages/home/HomePage.vue'

/** The navigation's entries; a page names the one it belongs to. */
export type Area = 'home' | 'certificates' | 'orders' | 'usbkey' | 'diagnosis' | 'help' | 'settings'

declare module 'vue-router' {
  interface RouteMeta {
    area?: Area
    /** Only for who is logged in. */
    login?: boolean
  }
}

/** The first page is there at once, the others are loaded when they are gone to. */
export const routes: RouteRecordRaw[] = [
  { path: '/', name: 'home', meta: { area: 'home' }, component: HomePage },
  { path: '/login', name: 'login', component: () => import('@/pages/login/LoginPage.vue') },

  {
    path: '/certificates',
    name: 'certificates',
    meta: { area: 'certificates', login: true },
    component: () => import('@/pages/certificates/CertificatesPage.vue'),
  },
  {
    path: '/certificates/:serial',
    name: 'certificate',
    props: true,
    meta: { area: 'certificates', login: true },
    component: () => import('@/pages/certificates/CertificatePage.vue'),
  },
  {
    // 更新: to apply, to see the state of the order, or to write the token, by the certificate in `?certificate=`.
    path: '/renew',
    name: 'renew',
    props: (route) => ({ certificate: text(route.query.certificate) }),
    meta: { area: 'certificates', login: true },
    component: () => import('@/pages/certificates/RenewPage.vue'),
  },

  {
    path: '/orders',
    name: 'orders',
    meta: { area: 'orders', login: true },
    component: () => import('@/pages/orders/OrdersPage.vue'),
  },
  {
    path: '/orders/:no',
    name: 'order',
    props: true,
    meta: { area: 'orders', login: true },
    component: () => import('@/pages/orders/OrderPage.vue'),
  },
  {
    path: '/orders/:no/apply',
    name: 'apply',
    props: true,
    meta: { area: 'orders', login: true },
    component: () => import('@/pages/apply/ApplyPage.vue'),
  },

  {
    path: '/orders/:no/write',
    name: 'write',
    props: true,
    meta: { area: 'orders', login: true },
    component: () => import('@/pages/job/WritePage.vue'),
  },
  {
    path: '/unlock',
    name: 'unlock',
    props: (route) => ({ tokenId: text(route.query.token), no: text(route.query.order) }),
    meta: { area: 'usbkey' },
    component: () => import('@/pages/job/UnlockPage.vue'),
  },
  {
    path: '/usbkey/pin',
    name: 'pin-change',
    props: (route) => ({ tokenId: text(route.query.token) }),
    meta: { area: 'usbkey' },
    component: () => import('@/pages/job/PinChangePage.vue'),
  },
  {
    path: '/usbkey',
    name: 'usbkey',
    meta: { area: 'usbkey' },
    component: () => import('@/pages/usbkey/UsbKeyPage.vue'),
  },

  {
    path: '/diagnosis',
    name: 'diagnosis',
    meta: { area: 'diagnosis' },
    component: () => import('@/pages/diagnosis/DiagnosisPage.vue'),
  },
  { path: '/help', name: 'help', meta: { area: 'help' }, component: () => import('@/pages/help/HelpPage.vue') },
  {
    path: '/settings',
    name: 'settings',
    meta: { area: 'settings' },
    component: () => import('@/pages/settings/SettingsPage.vue'),
  },
  { path: '/:rest(.*)*', redirect: { name: 'home' } },
]

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
