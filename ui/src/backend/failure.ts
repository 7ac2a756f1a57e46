import { i18n } from '@/i18n'
import type { Failure } from './contract'
import { APP_INTERNAL, APP_UNREACHABLE } from './problem-codes'

/** A command was not done. */
export class CommandError extends Error {
  constructor(readonly failure: Failure) {
    super(failure.code)
    this.name = 'CommandError'
  }
}

/** What the pages themselves can tell: the program behind them is gone, or one of the two has a fault. */
export type OwnCode = typeof APP_UNREACHABLE | typeof APP_INTERNAL

export function ownFailure(code: OwnCode): Failure {
  const { t } = i18n.global
  const name = code === APP_UNREACHABLE ? 'unreachable' : 'internal'
  return {
    code,
    sentence: t(`common.failure.${name}.sentence`),
    remedy: t(`common.failure.${name}.remedy`),
    action: code === APP_UNREACHABLE ? 'retry' : 'diagnose',
    fields: [],
    retry_after: null,
  }
}

/** For `catch`: whatever was thrown, as something that can be shown. */
export function failureOf(thrown: unknown): Failure {
  return thrown instanceof CommandError ? thrown.failure : ownFailure(APP_INTERNAL)
}

export function isFailure(value: unknown): value is Failure {
  return typeof value === 'object' && value !== null && 'code' in value && 'sentence' in value && 'remedy' in value
}
