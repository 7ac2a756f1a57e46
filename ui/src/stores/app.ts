import { defineStore } from 'pinia'
import { ref, shallowRef } from 'vue'
import { failureOf, type Stop, useBackend } from '@/backend'
import type { Event as AssistantEvent, Failure, PortalSetup, Project } from '@/backend/contract'
import { useJobs } from './jobs'
import { useReminders } from './reminders'
import { useSession } from './session'
import { useSettings } from './settings'
import { useTokens } from './tokens'
import { useUnfinished } from './unfinished'

/** The start, and what belongs to no other store. Fills the others and keeps them by events. */
export const useApp = defineStore('app', () => {
  const backend = useBackend()
  const session = useSession()
  const tokens = useTokens()
  const jobs = useJobs()
  const unfinished = useUnfinished()
  const settings = useSettings()
  const reminders = useReminders()

  const started = ref(false)
  const startFailure = shallowRef<Failure | null>(null)
  const version = ref('')
  const portal = shallowRef<PortalSetup>({ anchors: [] })
  const project = shallowRef<Project | null>(null)
  /** The portal did not answer when it was last asked. */
  const portalSilent = ref(false)

  function hear(event: AssistantEvent) {
    switch (event.event) {
      case 'tokens':
        tokens.hear(event.tokens)
        break
      case 'job':
        jobs.hear(event.job ?? null)
        break
      case 'session':
        session.hear(event.session ?? null)
        break
      case 'unfinished':
        unfinished.hear(event.items)
        break
      case 'settings':
        settings.hear(event.settings)
        break
      case 'reminder':
        reminders.hear(event.reminder)
        break
    }
  }

  async function start() {
    startFailure.value = null
    try {
      const view = await backend.call('start')
      settings.hear(view.settings)
      version.value = view.version
      portal.value = view.portal
      project.value = view.project ?? null
      session.hear(view.session ?? null)
      tokens.hear(view.tokens)
      unfinished.hear(view.unfinished)
      jobs.hear(view.job ?? null)
      started.value = true
    } catch (thrown) {
      startFailure.value = failureOf(thrown)
    }
  }

  /** The project as the portal tells it now; what was known stays where it does not answer. */
  async function refreshProject() {
    const heard = await backend.call('project').catch(() => undefined)
    if (heard) project.value = heard
  }

  return {
    started,
    startFailure,
    version,
    portal,
    project,
    portalSilent,
    start,
    listen: (): Stop => backend.events(hear),
    refreshProject,
    async usePortal(url: string, anchors: string[]) {
      portal.value = await backend.call('use_portal', { url, anchors })
      project.value = null
      await refreshProject()
    },
  }
})
