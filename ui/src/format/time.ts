import { i18n, TAG } from '@/i18n'

/** `2026-12-20`, in this machine's time zone. */
export function day(at: string): string {
  const date = new Date(at)
  const pad = (n: number) => String(n).padStart(2, '0')
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`
}

/** `14:20` */
export function clock(at: string): string {
  const date = new Date(at)
  return `${String(date.getHours()).padStart(2, '0')}:${String(date.getMinutes()).padStart(2, '0')}`
}

/** `今天 14:20`, `昨天 9:05`, else `2026-11-02 14:20`. */
export function moment(at: string, now: Date): string {
  const { t } = i18n.global
  const time = clock(at)
  const days = daysBetween(new Date(at), now)
  if (days === 0) return t('common.time.today', { time })
  if (days === 1) return t('common.time.yesterday', { time })
  return `${day(at)} ${time}`
}

/** Everything there is to say of a time, with its zone; for who hovers. */
export function full(at: string): string {
  return new Intl.DateTimeFormat(TAG[i18n.global.locale.value], {
    dateStyle: 'full',
    timeStyle: 'long',
  }).format(new Date(at))
}

/** `还有 27 天`, `今天到期`, `已到期 3 天`. */
export function daysLeft(days: number): string {
  const { t } = i18n.global
  if (days === 0) return t('common.time.last_day')
  return days > 0 ? t('common.time.days_left', days) : t('common.time.ended', -days)
}

/** Calendar days from `earlier` to `later`, in this machine's time zone. */
function daysBetween(earlier: Date, later: Date): number {
  const midnight = (date: Date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime()
  return Math.round((midnight(later) - midnight(earlier)) / 86_400_000)
}
