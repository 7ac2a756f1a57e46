// Problem codes that the pages match on (`docs/errors.md` lists all). ESLint refuses them as text elsewhere.

/** The pages' own: the program behind them does not answer. */
export const APP_UNREACHABLE = 'app.unreachable'

/** The pages' own: one of the two programs has a fault. */
export const APP_INTERNAL = 'app.internal'

/** Something is wrong in a form; the failure's `fields` say what. */
export const FORM_INVALID = 'form.invalid'

/** The portal did not answer, or not in time: the same call may well be answered later. */
export const PORTAL_SILENT = ['portal.unreachable', 'portal.timeout', 'portal.cut'] as const

/** The SMS code that was typed is wrong, or no longer valid. */
export const SMS_CODE_INVALID = ['sms.code_wrong', 'sms.code_expired', 'sms.code_exhausted'] as const

const isOneOf = (codes: readonly string[], code: string) => codes.includes(code)

export const isPortalSilent = (code: string): boolean => isOneOf(PORTAL_SILENT, code)

export const isSmsCodeInvalid = (code: string): boolean => isOneOf(SMS_CODE_INVALID, code)

/** Nothing is wrong with what was sent: what should take it is away or has a fault. */
export const isUnavailable = (code: string): boolean => code.startsWith('portal.') || code === APP_UNREACHABLE
