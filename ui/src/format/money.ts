import { i18n } from '@/i18n'

/** Fen, as people read them: `400.00 元`. */
export function money(fen: number): string {
  const yuan = `${Math.trunc(fen / 100)}.${String(Math.abs(fen % 100)).padStart(2, '0')}`
  return i18n.global.t('common.money', { yuan })
}
