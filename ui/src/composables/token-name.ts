import { useI18n } from 'vue-i18n'
import type { TokenRef } from '@/backend/contract'

/** 尾号: how many last characters of its number name a token. */
const TAIL = 4

/** A token of which no more is known than its number, and perhaps its holder. */
export function tokenRef(token_id: string, holder?: string | null): TokenRef {
  return { token_id, tail: token_id.slice(-TAIL), holder }
}

/** Tokens, named as people tell them apart. */
export function useTokenName() {
  const { t } = useI18n()

  /** `尾号 3F21` */
  const tailOf = ({ tail }: Pick<TokenRef, 'tail'>) => t('token.tail', { tail })

  /** `甲公司（尾号 3F21）` */
  const nameOf = ({ holder, tail }: Pick<TokenRef, 'tail' | 'holder'>) =>
    holder ? t('token.named', { holder, tail }) : t('token.nameless', { tail })

  return { tailOf, nameOf }
}
