// One state of one page, in several sizes, themes and languages; with what a program can say against it.
import { writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import AxeBuilder from '@axe-core/playwright'
import type { Page } from '@playwright/test'
import { expect } from './stage'

export const SHOTS = resolve(dirname(fileURLToPath(import.meta.url)), '../shots')

export interface Variant {
  width: number
  height: number
  text: 'normal' | 'largest'
  theme: 'light' | 'dark'
  language: 'zh' | 'en'
}

export interface Taken {
  id: string
  /** Pictures are shown by group. */
  group: string
  title: string
  shots: { file: string; variant: Variant; problems: string[] }[]
}

const SIZES = [
  [960, 640],
  [1366, 768],
  [1920, 1080],
] as const

const variant = (
  width: number,
  text: Variant['text'],
  theme: Variant['theme'],
  language: Variant['language'],
): Variant => ({ width, height: SIZES.find(([w]) => w === width)?.[1] ?? 768, text, theme, language })

/** All of each with all others. */
export const FULL: readonly Variant[] = SIZES.flatMap(([width]) =>
  (['normal', 'largest'] as const).flatMap((text) =>
    (['light', 'dark'] as const).flatMap((theme) =>
      (['zh', 'en'] as const).map((language) => variant(width, text, theme, language)),
    ),
  ),
)

/** Every value, every pair of size with text, and of theme with language. */
export const PAIRS: readonly Variant[] = [
  variant(1366, 'normal', 'light', 'zh'),
  variant(1366, 'largest', 'dark', 'en'),
  variant(960, 'normal', 'dark', 'zh'),
  variant(960, 'largest', 'light', 'en'),
  variant(960, 'largest', 'light', 'zh'),
  variant(1920, 'normal', 'light', 'en'),
  variant(1920, 'largest', 'dark', 'zh'),
]

/** For a state that lasts a moment, or looks like another. */
export const FEW: readonly Variant[] = [PAIRS[0], PAIRS[3]].filter((one) => one !== undefined)

export const PLAIN: Variant = variant(1366, 'normal', 'light', 'zh')

const nameOf = ({ width, text, theme, language }: Variant) =>
  [width, text === 'normal' ? '100' : '150', theme, language].join('-')

async function applyVariant(page: Page, { width, height, text, theme, language }: Variant): Promise<void> {
  await page.setViewportSize({ width, height })
  const accessToken = new URL(page.url()).searchParams.get('access_token') ?? ''
  await page.evaluate(
    async ({ accessToken, text, theme, language }) => {
      const call = async (name: string, given: object) => {
        const answer = await fetch(`/ipc/${name}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-access-token': accessToken },
          body: JSON.stringify(given),
        })
        return (await answer.json()) as { settings: object }
      }
      const { settings } = await call('start', {})
      await call('change_settings', { settings: { ...settings, text_size: text, theme, language } })
    },
    { accessToken, text, theme, language },
  )
  const html = page.locator('html')
  await expect(html).toHaveAttribute('data-theme', theme)
  await expect(html).toHaveAttribute('data-text', text)
  await expect(html).toHaveAttribute('lang', language === 'zh' ? 'zh-CN' : 'en')
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))
}

/** What is cut off, overlaps, or sticks out; and a next step that has to be scrolled to. */
function flaws({ width, text }: Variant): Promise<string[]> | string[] {
  const found = new Set<string>()
  const told = (element: Element) => {
    const id = element.getAttribute('data-testid')
    const words = element.textContent.trim().replace(/\s+/g, ' ').slice(0, 40)
    return `${element.tagName.toLowerCase()}${id ? `[${id}]` : ''}.${element.classList[0] ?? ''} “${words}”`
  }
  const isHidden = (element: Element) =>
    element.closest('.off-screen, .skip, [aria-hidden=true] svg, svg, datalist, [inert]') !== null || !element.checkVisibility()
  const all = [...document.querySelectorAll('body *')].filter((element) => !isHidden(element))

  for (const element of all) {
    if (element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement || element instanceof HTMLSelectElement) continue
    const style = getComputedStyle(element)
    if (style.position === 'absolute' && element.clientWidth <= 1) continue
    if (style.overflowX !== 'visible' && element.scrollWidth > element.clientWidth + 1) found.add(`cut off sideways: ${told(element)}`)
    if (['hidden', 'clip'].includes(style.overflowY) && element.scrollHeight > element.clientHeight + 1 && element.clientHeight > 1)
      found.add(`cut off below: ${told(element)}`)
  }

  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const parent = node.parentElement
    if (!parent || isHidden(parent) || !node.textContent?.trim()) continue
    const range = document.createRange()
    range.selectNodeContents(node)
    const card = parent.closest('.card, .el-dialog, button, .tag, nav, header, .banner')?.getBoundingClientRect()
    for (const rect of range.getClientRects()) {
      if (rect.width === 0) continue
      if (rect.left < -1 || rect.right > window.innerWidth + 1) found.add(`out of the window: ${told(parent)}`)
      else if (card && (rect.left < card.left - 1 || rect.right > card.right + 1)) found.add(`out of its box: ${told(parent)}`)
    }
  }

  const fixed = (element: Element): Element | null => {
    for (let at: Element | null = element; at; at = at.parentElement) {
      if (['sticky', 'fixed'].includes(getComputedStyle(at).position)) return at
    }
    return null
  }
  const touched = all.filter((element) => element.matches('button, a[href], input, select, textarea, [role=tab], [role=switch]'))
  /** What of it is seen: what is scrolled away lies under nothing. */
  const seen = (element: Element) => {
    const { left, right, top, bottom } = element.getBoundingClientRect()
    const frame = element.closest('main')?.getBoundingClientRect()
    return { left, right, top: Math.max(top, frame?.top ?? top), bottom: Math.min(bottom, frame?.bottom ?? bottom) }
  }
  const boxes = touched.map((element) => ({ element, rect: seen(element), layer: fixed(element) }))
  boxes.forEach((one, index) => {
    for (const other of boxes.slice(index + 1)) {
      if (one.layer !== other.layer || one.element.contains(other.element) || other.element.contains(one.element)) continue
      const wide = Math.min(one.rect.right, other.rect.right) - Math.max(one.rect.left, other.rect.left)
      const high = Math.min(one.rect.bottom, other.rect.bottom) - Math.max(one.rect.top, other.rect.top)
      if (wide > 1 && high > 1) found.add(`overlap: ${told(one.element)} and ${told(other.element)}`)
    }
  })

  if (width >= 1366 && text === 'normal') {
    const next = document.querySelector('[role=dialog] .el-button--primary:not(.is-link), main .el-button--primary:not(.is-link)')
    if (next && next.getBoundingClientRect().bottom > window.innerHeight) found.add(`has to be scrolled to: ${told(next)}`)
  }
  return [...found]
}

/** Takes the state that the page is in now. */
export async function shot(
  page: Page,
  id: string,
  group: string,
  title: string,
  variants: readonly Variant[] = PAIRS,
  /** Brings the state about again: what the core told before is in the language of before. */
  again?: () => Promise<void>,
): Promise<void> {
  const taken: Taken = { id, group, title, shots: [] }
  for (const [index, now] of variants.entries()) {
    await applyVariant(page, now)
    if (index > 0) await again?.()
    const problems = await page.evaluate(flaws, now)
    // Colours are the theme's, structure is the page's: both are seen in one light and one dark variant.
    if (index < 2) {
      const { violations } = await new AxeBuilder({ page })
        .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'])
        .analyze()
      problems.push(...violations.map((rule) => `axe ${rule.id}: ${rule.nodes.map((node) => node.target.join(' ')).join(', ')}`))
    }
    const file = `${id}-${nameOf(now)}.png`
    await page.screenshot({ path: join(SHOTS, file), animations: 'disabled', caret: 'hide' })
    taken.shots.push({ file, variant: now, problems })
  }
  await applyVariant(page, PLAIN)
  writeFileSync(join(SHOTS, `${id}.json`), JSON.stringify(taken))
  const messages = taken.shots.flatMap(({ file, problems }) => problems.map((problem) => `${file}: ${problem}`))
  expect.soft(messages, id).toEqual([])
}
