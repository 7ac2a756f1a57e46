import { useI18n } from 'vue-i18n'
import type { PinRulesView, Tries } from '@/backend/contract'

/** PINs, in words. */
export function usePinWords() {
  const { t } = useI18n()

  /** How many tries are left, as far as the key tells. */
  function tries(tries: Tries): string {
    return tries.kind === 'exactly' ? t('common.tries.exactly', { n: tries.n }, tries.n) : t(`common.tries.${tries.kind}`)
  }

  return {
    tries,
    /** Before a try; nothing where there is no reason to count. */
    before: (left: Tries) => (left.kind === 'not_low' ? '' : tries(left)),
    /** After a wrong one. */
    wrong(left: Tries): string {
      switch (left.kind) {
        case 'exactly':
          return t('work.pin.wrong_exactly', { n: left.n }, left.n)
        case 'last':
          return t('work.pin.wrong_last')
        case 'low':
          return t('work.pin.wrong_low')
        case 'not_low':
        case 'locked':
          return t('work.pin.wrong')
      }
    },
    rules({ min_len, max_len, digits_only }: PinRulesView): string {
      const length = min_len === max_len ? `${min_len}` : t('work.pin.range', { min: min_len, max: max_len })
      return t(digits_only ? 'work.pin.rules_digits' : 'work.pin.rules_any', { length })
    },
  }
}
