import { expect, test } from 'vitest'
import { plainDigits, plainWidth } from '@/format/digits'
import { money } from '@/format/money'
import { together } from '@/format/sentences'
import { day, daysLeft, full, moment } from '@/format/time'
import { speak } from '@/i18n'

const local = (text: string) => new Date(text).toISOString()
const now = new Date('2026-11-25T15:00:00')

test('times are told in the words of the day', () => {
  expect(moment(local('2026-11-25T14:20:00'), now)).toBe('今天 14:20')
  expect(moment(local('2026-11-24T23:59:00'), now)).toBe('昨天 23:59')
  expect(moment(local('2026-11-02T09:05:00'), now)).toBe('2026-11-02 09:05')
  expect(day(local('2026-01-02T03:04:05'))).toBe('2026-01-02')
  expect(full(local('2026-11-25T14:20:00'))).toContain('2026年11月25日')
  speak('en')
  expect(moment(local('2026-11-25T14:20:00'), now)).toBe('today 14:20')
})

test('validity periods are told in days', () => {
  expect([daysLeft(27), daysLeft(0), daysLeft(-3)]).toEqual(['还有 27 天', '今天到期', '已到期 3 天'])
  speak('en')
  expect([daysLeft(1), daysLeft(27)]).toEqual(['1 day left', '27 days left'])
})

test('fen are money', () => {
  expect([money(40000), money(5), money(1230)]).toEqual(['400.00 元', '0.05 元', '12.30 元'])
  speak('en')
  expect(money(40000)).toBe('¥400.00')
})

test('digits come from any keyboard', () => {
  expect(plainDigits('１38 0000-0000')).toBe('13800000000')
  expect(plainWidth('ＡＢ１２③')).toBe('AB12③')
})

test('sentences stand beside each other as their language has it', () => {
  expect(together('口令不正确。', '请再输。')).toBe('口令不正确。请再输。')
  expect(together('It is incorrect.', 'Try again.')).toBe('It is incorrect. Try again.')
})
