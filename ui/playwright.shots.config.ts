// `npm run shots`: every page in every state, driven there through the real core, keys and portal; see e2e/shots.ts.
import { defineConfig } from '@playwright/test'
import journeys from './playwright.config'

export default defineConfig({
  ...journeys,
  testMatch: 'shots.ts',
  outputDir: 'e2e-results/shots',
  globalSetup: './e2e/gallery-begin.ts',
  globalTeardown: './e2e/gallery.ts',
  timeout: 300_000,
  use: { ...journeys.use, screenshot: 'off', actionTimeout: 20_000 },
})
