import { useI18n } from 'vue-i18n'
import type { TokenRef } from '@/backend/contract'

/** A key, as people tell keys apart: `甲公司（尾号 3F21）`. */
export function useKeyName(): (key: Pick<TokenRef, 'tail' | 'holder'>) => string {
  const { t } = useI18n()
  return ({ holder, tail }) => (holder ? t('key.named', { holder, tail }) : t('key.nameless', { tail }))
}
