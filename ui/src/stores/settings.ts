import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import { useBackend } from '@/backend'
import type { Settings } from '@/backend/contract'
import { speak } from '@/i18n'
import { showAs } from '@/theme/appearance'

export const useSettings = defineStore('settings', () => {
  const backend = useBackend()
  const settings = shallowRef<Settings>({
    language: 'zh',
    text_size: 'normal',
    theme: 'system',
    autostart: false,
    reminders: true,
  })

  function hear(heard: Settings) {
    settings.value = heard
    showAs(heard)
    speak(heard.language)
  }

  return {
    settings,
    hear,
    async change(changed: Partial<Settings>) {
      hear(await backend.call('change_settings', { settings: { ...settings.value, ...changed } }))
    },
  }
})
