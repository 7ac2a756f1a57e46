import { useI18n } from 'vue-i18n'
import type { PinRulesView, PinView } from '@/backend/contract'

type RetryCounter = PinView['retry_counter']

/** PINs, in words. */
export function usePinWords() {
  const { t } = useI18n()

  /** How many tries are left, as far as the token tells. */
  function retryCounter(counter: RetryCounter): string {
    if (counter.kind === 'exactly') return t('common.retry_counter.exactly', { n: counter.n }, counter.n)
    return t(`common.retry_counter.${counter.kind}`)
  }

  return {
    retryCounter,
    /** Before a PIN is sent; nothing where there is no reason to count. */
    before: (counter: RetryCounter) => (counter.kind === 'not_low' ? '' : retryCounter(counter)),
    /** After a wrong PIN. */
    wrong(counter: RetryCounter): string {
      switch (counter.kind) {
        case 'exactly':
          return t('job.pin.wrong_exactly', { n: counter.n }, counter.n)
        case 'final_try':
          return t('job.pin.wrong_final_try')
        case 'low':
          return t('job.pin.wrong_low')
        case 'not_low':
        case 'locked':
          return t('job.pin.wrong')
      }
    },
    rules({ min_len, max_len, digits_only }: PinRulesView): string {
      const length = min_len === max_len ? `${min_len}` : t('job.pin.range', { min: min_len, max: max_len })
      return t(digits_only ? 'job.pin.rules_digits' : 'job.pin.rules_any', { length })
    },
  }
}
