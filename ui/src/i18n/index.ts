import { createI18n } from 'vue-i18n'
import type { LanguageSetting } from '@/backend/contract'
import en from './en'
import zh from './zh'

export const i18n = createI18n({ legacy: false, locale: 'zh', fallbackLocale: 'zh', messages: { zh, en } })

export const TAG: Record<LanguageSetting, string> = { zh: 'zh-CN', en: 'en' }

/** Pages and the document's own language follow. */
export function speak(language: LanguageSetting): void {
  i18n.global.locale.value = language
  document.documentElement.lang = TAG[language]
  document.title = i18n.global.t('common.product')
}
