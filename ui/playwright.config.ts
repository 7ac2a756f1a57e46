// The real pages in Chromium, on the real core: each test has a stage of its own (portal, keys, operator, phone) and an
// assistant behind the development server. Built before: pages (npm run build:browser) and programs (cargo build).
import { defineConfig } from '@playwright/test'

const chromium = process.env.YCD_CHROMIUM ?? '/usr/bin/chromium'

export default defineConfig({
  testDir: 'e2e',
  outputDir: 'e2e-results',
  fullyParallel: true,
  workers: 2,
  timeout: 240_000,
  expect: { timeout: 40_000 },
  retries: 0,
  forbidOnly: true,
  reporter: [['list']],
  use: {
    browserName: 'chromium',
    viewport: { width: 1366, height: 768 },
    locale: 'zh-CN',
    timezoneId: 'Asia/Shanghai',
    reducedMotion: 'reduce',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: chromium,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
})
