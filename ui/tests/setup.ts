import { enableAutoUnmount } from '@vue/test-utils'
import { afterEach, beforeEach } from 'vitest'
import { i18n, speak } from '@/i18n'

enableAutoUnmount(afterEach)

// A word that is missing fails the test that shows it.
i18n.global.setMissingHandler((language, key) => {
  throw new Error(`no word for ${key} in ${language}`)
})

beforeEach(() => {
  speak('zh')
  document.body.innerHTML = ''
})
