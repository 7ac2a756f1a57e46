import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createI18n } from 'vue-i18n'
import en from '@/i18n/en'
import zh from '@/i18n/zh'

function flat(node: unknown, at = ''): [string, string][] {
  if (typeof node === 'string') return [[at, node]]
  return Object.entries(node as object).flatMap(([key, inner]) => flat(inner, at ? `${at}.${key}` : key))
}

const words = { zh: flat(zh), en: flat(en) }

test('both languages have the same keys', () => {
  expect(words.en.map(([key]) => key)).toEqual(words.zh.map(([key]) => key))
})

test('both languages fill in the same', () => {
  const names = (text: string) => [...new Set([...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name))].sort()
  const english = new Map(words.en)
  for (const [key, text] of words.zh) expect([key, names(english.get(key) ?? '')]).toEqual([key, names(text)])
})

test.each(['zh', 'en'] as const)('every message of %s can be said', (language) => {
  const { t } = createI18n({ legacy: false, locale: language, messages: { zh, en } }).global
  const filled = { n: 1 }
  for (const [key, text] of words[language]) {
    if (/\.\d+$/.test(key)) continue
    expect(() => t(key, filled), `${key}: ${text}`).not.toThrow()
  }
})

test.each(['zh', 'en'] as const)('%s neither shouts nor gives up', (language) => {
  for (const [key, text] of words[language]) {
    expect(text, key).not.toMatch(/[!！]|unknown error|未知错误/i)
    expect(text, key).not.toMatch(/失败[。，]?$|^failed\.?$/i)
  }
})

test('every word that a page says is there', () => {
  const known = new Set(words.zh.map(([key]) => key))
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) => /\.(vue|ts)$/.test(name))
  for (const file of files) {
    const text = readFileSync(`src/${file}`, 'utf8')
    for (const [, key] of text.matchAll(/\bt\(\s*'([a-z_]+(?:\.[\w-]+)+)'/g)) {
      expect(known.has(key ?? ''), `${file}: ${key}`).toBe(true)
    }
  }
})
