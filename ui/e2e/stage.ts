// The stage beside a test: everybody who is not at the window. `tests/src/stage.rs` says what can be asked of it.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Page, test as base, expect } from '@playwright/test'

const here = dirname(fileURLToPath(import.meta.url))
const target = process.env.CARGO_TARGET_DIR ?? resolve(here, '../../target')

/** The PIN that tokens are handed out with. */
export const PIN = '12345678'

/** ATR of a card that `drivers-config/feitian.toml` knows; its driver is not on this machine. */
export const FEITIAN_CARD = '3B 9F 95 81 31 FE 9F 00 65 46 53 05 04 06 71 DF 00 00 00 00 00 00 02'

/** A token that was personalized some days ago. */
export interface Token {
  serial: string
  token_id: string
  tail: string
  /** Serial number of its certificate. */
  certificate: string
  phone: string
  company: string
}

export interface TokenWish {
  company?: string
  phone?: string
  age_days?: number
  /** Key pairs that fit. */
  containers?: number
}

export type Until = 'draft' | 'handed_in' | 'paid' | 'approved'

export interface TokenState {
  pin_retry_counter: number
  pin_retry_limit: number
  inserted: boolean
  containers_used: number
}

export class Stage {
  private constructor(
    private readonly child: ChildProcess,
    private readonly url: string,
    private readonly accessToken: string,
  ) {}

  static async start(): Promise<Stage> {
    const program = join(target, 'debug', 'ycd-stage')
    if (!existsSync(program)) throw new Error(`${program} is not built: cargo build --workspace`)
    const pages = process.env.YCD_PAGES ?? resolve(here, '../dist-browser')
    const child = spawn(program, ['--pages', pages], { stdio: ['pipe', 'pipe', 'inherit'] })
    const lines = createInterface({ input: child.stdout })
    const [line] = (await once(lines, 'line')) as [string]
    const { stage, token: accessToken } = JSON.parse(line) as { stage: string; token: string }
    return new Stage(child, stage, accessToken)
  }

  async stop(): Promise<void> {
    const ended = once(this.child, 'exit')
    this.child.stdin?.end()
    await ended
  }

  private async do<T = unknown>(what: string, more: object = {}): Promise<T> {
    const answer = await fetch(this.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-access-token': this.accessToken },
      body: JSON.stringify({ do: what, ...more }),
    })
    const value = (await answer.json()) as T & { error?: string }
    if (!answer.ok) throw new Error(`${what}: ${value.error ?? answer.status}`)
    return value
  }

  token(wish: TokenWish = {}): Promise<Token> {
    return this.do('token', wish)
  }
  insert(token: Token): Promise<unknown> {
    return this.do('insert', { serial: token.serial })
  }
  pull(token: Token): Promise<unknown> {
    return this.do('pull', { serial: token.serial })
  }
  async order(token: Token, until: Until): Promise<string> {
    const { order } = await this.do<{ order: string }>('order', {
      certificate: token.certificate,
      phone: token.phone,
      until,
    })
    return order
  }
  approve(order: string): Promise<unknown> {
    return this.do('approve', { order })
  }
  reject(order: string, reason: string): Promise<unknown> {
    return this.do('reject', { order, reason })
  }
  paid(order: string): Promise<unknown> {
    return this.do('paid', { order })
  }
  /** The next code that comes to a phone. */
  async code(phone: string): Promise<string> {
    return (await this.do<{ code: string }>('code', { phone })).code
  }
  time(seconds: number): Promise<unknown> {
    return this.do('time', { seconds })
  }
  portal(up: boolean): Promise<unknown> {
    return this.do('portal', { up })
  }
  approval(needed: boolean): Promise<unknown> {
    return this.do('approval', { needed })
  }
  /** So many wrong PINs, or as many as lock the token. */
  wrongPins(token: Token, times?: number): Promise<unknown> {
    return this.do('wrong_pins', { serial: token.serial, times })
  }
  revoke(token: Token): Promise<unknown> {
    return this.do('revoke', { certificate: token.certificate })
  }
  state(token: Token): Promise<TokenState> {
    return this.do('state', { serial: token.serial })
  }
  /** A fault of the driver, as `crates/softkey/src/fault.rs` writes it: `{ on: { function: 'C_Sign' }, do: 'unplug' }`. */
  fault(fault: object, token?: Token): Promise<unknown> {
    return this.do('fault', { fault, serial: token?.serial })
  }
  /** A card reader, which assistants have from their next start. Rejected where this machine cannot have one. */
  reader(): Promise<unknown> {
    return this.do('reader')
  }
  /** A card that is none of the software tokens, by its ATR in hexadecimal. */
  insertCard(atr: string): Promise<unknown> {
    return this.do('insert_card', { atr })
  }
  pullCard(): Promise<unknown> {
    return this.do('pull_card')
  }
  clearFaults(): Promise<unknown> {
    return this.do('clear_faults')
  }
  /** Starts an assistant; again on the same data after `kill`. Gives its address. */
  async assistant(name = 'a', bare = false): Promise<string> {
    return (await this.do<{ url: string }>('assistant', { name, bare })).url
  }
  kill(name = 'a'): Promise<unknown> {
    return this.do('kill', { name })
  }
  /** All that an assistant has left in files. */
  async traces(name = 'a'): Promise<string> {
    return (await this.do<{ traces: string }>('traces', { name })).traces
  }

  /** Opens a page of the pages: `/`, `/orders`. */
  async open(page: Page, path = '/', name = 'a'): Promise<string> {
    const url = await this.assistant(name)
    await page.goto(`${url}#${path}`)
    return url
  }
}

/** Puts the session of whoever has this phone into the assistant of a page that is open. */
export async function logIn(page: Page, stage: Stage, phone: string): Promise<void> {
  const url = new URL(page.url())
  const accessToken = url.searchParams.get('access_token') ?? ''
  const call = (name: string, given: object): Promise<unknown> =>
    page.evaluate(
      async ([name, accessToken, body]) => {
        const answer = await fetch(`/ipc/${name}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-access-token': accessToken },
          body,
        })
        if (!answer.ok) throw new Error(await answer.text())
        return (await answer.json()) as unknown
      },
      [name, accessToken, JSON.stringify(given)] as const,
    )
  await call('login_code', { phone })
  const code = await stage.code(phone)
  await call('login', { phone, code })
}

export const test = base.extend<{ stage: Stage }>({
  // eslint-disable-next-line no-empty-pattern -- playwright wants the pattern
  stage: async ({}, use) => {
    const stage = await Stage.start()
    await use(stage)
    await stage.stop()
  },
  page: async ({ page }, use) => {
    const violations: string[] = []
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) violations.push(message.text())
    })
    await use(page)
    expect(violations, 'the content security policy holds').toEqual([])
  },
})

export { expect }
