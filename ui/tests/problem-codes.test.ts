import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  APP_INTERNAL,
  APP_UNREACHABLE,
  FORM_INVALID,
  isPortalSilent,
  isSmsCodeInvalid,
  isUnavailable,
  PORTAL_SILENT,
  SMS_CODE_INVALID,
} from '@/backend/problem-codes'

const listed = [...readFileSync('../docs/errors.md', 'utf8').matchAll(/^\| `([a-z_]+\.[a-z_]+)` \|/gm)].map(([, code]) => code ?? '')

test.each([FORM_INVALID, ...PORTAL_SILENT, ...SMS_CODE_INVALID])('%s is a code of docs/errors.md', (code) => {
  expect(listed).toContain(code)
})

test.each([APP_UNREACHABLE, APP_INTERNAL])('%s is given by the pages alone', (code) => {
  expect(listed).not.toContain(code)
})

test('every problem of a typed SMS code is told beside its box', () => {
  expect(listed.filter(isSmsCodeInvalid).sort()).toEqual(listed.filter((code) => code.startsWith('sms.code_')).sort())
})

test('a silent portal is an unavailable one; a form with mistakes is neither', () => {
  for (const code of PORTAL_SILENT) expect([isPortalSilent(code), isUnavailable(code)]).toEqual([true, true])
  expect([isPortalSilent(APP_UNREACHABLE), isUnavailable(APP_UNREACHABLE)]).toEqual([false, true])
  expect([isPortalSilent(FORM_INVALID), isUnavailable(FORM_INVALID)]).toEqual([false, false])
})
