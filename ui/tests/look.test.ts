import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.(vue|css)$/.test(name) && !name.startsWith('theme'))
  .map((name) => ({ name, text: readFileSync(`src/${name}`, 'utf8') }))

const styles = files.map(({ name, text }) => ({
  name,
  text: name.endsWith('.css') ? text : [...text.matchAll(/<style[^>]*>([\s\S]*?)<\/style>/g)].map(([, css]) => css).join('\n'),
}))

test('colours stand in the theme alone', () => {
  for (const { name, text } of styles) {
    expect(text, name).not.toMatch(/#[0-9a-f]{3,8}\b/i)
    expect(text, name).not.toMatch(/\b(rgb|hsl|oklch|color-mix)a?\(/i)
    expect(text, name).not.toMatch(/:\s*(white|black|red|green|blue|gr[ae]y|orange|yellow)\b/i)
  }
})

test('sizes grow with the text: nothing is in pixels', () => {
  for (const { name, text } of styles) expect(text, name).not.toMatch(/\d(px|pt)\b/)
})

test('nothing carries its style with it: the security policy forbids it', () => {
  for (const { name, text } of files) {
    expect(text, name).not.toMatch(/<template>[\s\S]*\s:?style="/)
    expect(text, name).not.toMatch(/v-html|innerHTML/)
  }
})
