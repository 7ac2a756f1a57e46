import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const tokens = readFileSync('src/theme/tokens.css', 'utf8')
const pairs = new Map(
  [...tokens.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);/g)].map(([, name, light, dark]) => [
    name ?? '',
    { light: light ?? '', dark: dark ?? '' },
  ]),
)

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((at) => parseInt(colour.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function contrast(ink: string, ground: string, scheme: 'light' | 'dark'): number {
  const [bright = 0, dim = 0] = [ink, ground]
    .map((name) => luminance(pairs.get(name)?.[scheme] ?? ''))
    .sort((one, other) => other - one)
  return (bright + 0.05) / (dim + 0.05)
}

const TEXT: [ink: string, ground: string][] = [
  ...['card', 'ground', 'hover'].flatMap((ground): [string, string][] => [
    ['ink', ground],
    ['ink-2', ground],
    ['primary', ground],
    ['danger', ground],
  ]),
  ['ink-3', 'card'],
  ['warn', 'card'],
  ['ok', 'card'],
  ['primary', 'primary-weak'],
  ['ink', 'danger-weak'],
  ['ink-2', 'danger-weak'],
  ['primary', 'danger-weak'],
  ['danger', 'danger-weak'],
  ['warn', 'warn-weak'],
  ['ok', 'ok-weak'],
  ['ink', 'line'],
  ['ink-2', 'line'],
  ['on-primary', 'primary'],
  ['on-primary', 'primary-strong'],
  ['on-danger', 'danger'],
  ['on-danger', 'danger-strong'],
  ['on-ok', 'ok'],
]

for (const scheme of ['light', 'dark'] as const) {
  test.each(TEXT)(`%s on %s can be read, ${scheme}`, (ink, ground) => {
    expect(contrast(ink, ground, scheme)).toBeGreaterThanOrEqual(4.5)
  })

  test(`the edge of what can be typed into is seen, ${scheme}`, () => {
    expect(contrast('edge', 'card', scheme)).toBeGreaterThanOrEqual(3)
  })
}
