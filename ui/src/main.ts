import { createPinia } from 'pinia'
import { createApp } from 'vue'
import App from './App.vue'
import { backendKey, openBackend } from './backend'
import { hearingPortal } from './backend/portal-health'
import { i18n } from './i18n'
import { openRouter } from './router'
import { useApp } from './stores/app'
import './theme'

const vue = createApp(App)
vue.use(createPinia()).use(i18n)
vue.provide(
  backendKey,
  hearingPortal(openBackend(), (answers) => (useApp().portalSilent = !answers)),
)

const app = useApp()
app.listen()
await app.start()
// After the start: whether a page needs a login is known then.
vue.use(openRouter()).mount('#app')
