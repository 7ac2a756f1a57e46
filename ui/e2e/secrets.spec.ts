import { expect, type Page } from '@playwright/test'
import { type Stage, test } from './stage'
import { giveCode, giveNewPin, givePin, go, NEW, outcome, toWrite } from './job'

const WRONG = '90817263'
const AGAIN = '61803398'

/** Everything that a page holds in reach of a script. */
async function held(page: Page): Promise<string> {
  return page.evaluate(() => {
    const seen = new WeakSet<object>()
    const all = (value: unknown): string =>
      JSON.stringify(value, (_, inner: unknown) => {
        if (typeof inner !== 'object' || inner === null) return inner
        if (seen.has(inner) || inner instanceof Node || inner instanceof Window) return undefined
        seen.add(inner)
        return inner
      })
    interface Mounted {
      __vue_app__?: { config: { globalProperties: { $pinia?: { state: { value: unknown } } } } }
    }
    const app = (document.getElementById('app') as Mounted | null)?.__vue_app__
    const state = app?.config.globalProperties.$pinia?.state.value
    if (!state) throw new Error('the state of the app is not found')
    const inputs = [...document.querySelectorAll<HTMLInputElement>('input, textarea')].map(({ value }) => value)
    return [
      document.documentElement.outerHTML,
      ...inputs,
      all(Object.entries(localStorage)),
      all(Object.entries(sessionStorage)),
      window.location.href,
      all(window.history.state),
      all(state),
      document.cookie,
      document.title,
    ].join('\n')
  })
}

async function clean(page: Page, stage: Stage, secrets: string[]): Promise<void> {
  const page_ = await held(page)
  const traces = await stage.traces()
  expect(traces.length).toBeGreaterThan(0)
  for (const secret of secrets) {
    expect(page_.includes(secret), `${secret} in the page`).toBe(false)
    expect(traces.includes(secret), `${secret} in files`).toBe(false)
  }
}

test('no PIN and no code is left anywhere after the journeys on a token', async ({ page, stage }) => {
  const urls: string[] = []
  page.on('request', (request) => urls.push(request.url()))

  const { token, order } = await toWrite(page, stage)
  await go(page, '/usbkey')
  await page.getByTestId('to-pin-change').click()
  await page.getByTestId('pin-input').fill(WRONG)
  await page.getByTestId('new-pin').fill(NEW)
  await page.getByTestId('new-pin-again').fill(NEW)
  await page.getByTestId('new-pin-submit').click()
  await givePin(page)
  await outcome(page, 'pin_changed')
  await clean(page, stage, [WRONG, NEW])

  await go(page, `/orders/${order}/write`)
  await page.getByTestId('start-renewal').click()
  await givePin(page, WRONG)
  await expect(page.getByText(/口令不正确/)).toBeVisible()
  await clean(page, stage, [WRONG, NEW])
  await givePin(page, NEW)
  await outcome(page, 'renewed')
  await clean(page, stage, [WRONG, NEW])

  await stage.wrongPins(token)
  await go(page, '/unlock')
  await page.getByTestId('start-unlock').click()
  const code = await giveCode(page, stage, token)
  await expect(page.getByTestId('new-pin')).toBeFocused()
  await clean(page, stage, [code])
  await giveNewPin(page, AGAIN, WRONG)
  await expect(page.getByText('两次输入的新口令不一样')).toBeVisible()
  await clean(page, stage, [AGAIN, WRONG, NEW, code])
  await giveNewPin(page, AGAIN)
  await outcome(page, 'unlocked')
  await clean(page, stage, [AGAIN, WRONG, NEW, code])

  // What is typed and not sent goes with its page.
  await go(page, '/usbkey')
  await page.getByTestId('to-pin-change').click()
  await page.getByTestId('pin-input').fill(AGAIN)
  await page.getByTestId('new-pin').fill(NEW)
  await go(page, '/diagnosis')
  await expect(page.getByTestId('pin-input')).toHaveCount(0)
  await clean(page, stage, [AGAIN, WRONG, NEW, code])

  for (const secret of [AGAIN, WRONG, NEW, code]) {
    expect(urls.filter((url) => url.includes(secret))).toEqual([])
  }
})
