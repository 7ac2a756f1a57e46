import { describe, expect, test } from 'vitest'
import type { OrderForm } from '@/backend/contract'
import { check, isAnyPhone, isDocumentNumber, isEmail, isIdentityNumber, isMobile, isOrganizationCode, isUscc } from '@/pages/apply/checks'
import { fieldsOf, setValue, stepsOf, valueOf } from '@/pages/apply/fields'
import { orderForm } from './orders'

const all = (isRight: (text: string) => boolean, right: string[], wrong: string[]) => {
  for (const text of right) expect(isRight(text), text).toBe(true)
  for (const text of wrong) expect(isRight(text), text).toBe(false)
}

test('GB 11643', () => {
  all(
    isIdentityNumber,
    ['11010519491231002X', '11010519491231002x', '440524188001010014'],
    [
      '',
      '110105194912310021',
      '11010519491231002',
      '11010519491231002XX',
      '11010519491231002X1',
      // 30 February, the 13th month, the year 1700; each with a right check character.
      '11010519490230002' + checkOf('11010519490230002'),
      '11010519491331002' + checkOf('11010519491331002'),
      '11010517000101002' + checkOf('11010517000101002'),
      '１１010519491231002X',
    ],
  )
})

function checkOf(body: string): string {
  const sum = Array.from(body).reduce((all, digit, at) => all + Number(digit) * (2 ** (17 - at) % 11), 0)
  return '10X98765432'.charAt(sum % 11)
}

test('GB 32100', () => {
  all(
    isUscc,
    ['91350100M000100Y43', '91330100799655058B'],
    ['', '91350100M000100Y44', '91350100M000100Y4', '91350100M000100Y433', '91350100m000100y43', '91350100I000100Y43'],
  )
})

test('GB 11714', () => {
  all(isOrganizationCode, ['D2143569-X', 'D2143569X'], ['', 'D2143569-1', 'D2143569--X', 'd2143569-X', 'D214356-X', 'D2143569-XX'])
})

test('phones', () => {
  all(isMobile, ['13800000000', '19912345678'], ['', '12800000000', '1380000000', '138000000000', '138 0000 0000'])
  all(isAnyPhone, ['13800000000', '138 0000 0000', '0830-2398888', '010-12345678'], ['', '12', '2398888', '1234567890', '0830-23988888888'])
})

test('e-mail', () => {
  all(
    isEmail,
    ['a@b.cn', 'first.last+tag@mail.example.com', "o'hara_1@x-y.org"],
    ['', 'a', 'a@b', '@b.cn', '.a@b.cn', 'a.@b.cn', 'a..b@c.cn', 'a@-b.cn', 'a@b-.cn', 'a b@c.cn', '经@b.cn', 'a@b..cn', `${'x'.repeat(65)}@b.cn`],
  )
})

test('passports and permits', () => {
  all(isDocumentNumber, ['E12345678', 'H1234'], ['', 'E123', 'E 12345', 'E'.repeat(31), 'E-12345'])
})

describe('a form', () => {
  test('that is complete has nothing wrong', () => {
    expect(check(orderForm())).toEqual([])
  })

  test.each<[path: string, value: string, code: string]>([
    ['applicant.name', '', 'required'],
    ['applicant.name', '   ', 'required'],
    ['applicant.name', '长'.repeat(201), 'too_long'],
    ['applicant.name', 'a\u0000b', 'bad_characters'],
    ['applicant.phone', '1', 'bad_phone'],
    ['applicant.email', 'a@b', 'bad_email'],
    ['applicant.id_number', '1', 'bad_id_number'],
    ['legal_representative.id_number', '1', 'bad_id_number'],
    ['company.code', '1', 'bad_uscc'],
    ['company.industry', '', 'required'],
    ['invoice.title', '', 'required'],
    ['invoice.tax_number', 'a\nb', 'bad_characters'],
  ])('%s: %j is %s', (path, value, code) => {
    const form = orderForm()
    setValue(form, path, value)
    expect(check(form)).toEqual([{ field: path, code }])
  })

  test('is judged by the types that were chosen', () => {
    const form = orderForm()
    form.applicant.id_type = 'passport'
    form.applicant.id_number = 'E12345678'
    if (form.company) Object.assign(form.company, { code_type: 'organization', code: 'D2143569-X' })
    form.delivery.kind = 'courier'
    form.invoice.kind = 'special'
    form.invoice.tax_number = ''
    expect(check(form).map(({ field }) => field)).toEqual([
      'invoice.tax_number',
      'invoice.bank',
      'invoice.account',
      'invoice.address',
      'invoice.phone',
      'delivery.name',
      'delivery.phone',
      'delivery.region',
      'delivery.address',
    ])
  })

  test('of a person leaves the company out', () => {
    const form: OrderForm = { ...orderForm(), company: null, legal_representative: null }
    expect(check(form)).toEqual([])
    expect(stepsOf(form, false)).toEqual(['applicant', 'invoice', 'delivery', 'check', 'pay'])
    expect(stepsOf(orderForm(), true)).toEqual(['applicant', 'legal_representative', 'company', 'invoice', 'delivery', 'check'])
  })

  test('shows every field that is checked, on one of its pages', () => {
    const form = orderForm()
    form.invoice.kind = 'special'
    form.delivery.kind = 'courier'
    const steps = ['applicant', 'legal_representative', 'company', 'invoice', 'delivery'] as const
    const fields = steps.flatMap((step) => fieldsOf(step, form))
    for (const { path } of fields) setValue(form, path, '')
    for (const { field } of check(form)) expect(fields.map(({ path }) => path)).toContain(field)
    expect(valueOf(form, 'applicant.name')).toBe('')
  })

  test('normalizes what is typed as the portal takes it', () => {
    const normalized = (path: string, typed: string) => {
      const form = orderForm()
      const steps = ['applicant', 'company', 'invoice'] as const
      return steps.flatMap((step) => fieldsOf(step, form)).find((field) => field.path === path)?.normalize?.(typed)
    }
    expect(normalized('applicant.phone', '+86 138-0000 0000')).toBe('13800000000')
    expect(normalized('applicant.phone', '１３８００００００００')).toBe('13800000000')
    expect(normalized('applicant.id_number', ' 110105 19491231 002x ')).toBe('11010519491231002X')
    expect(normalized('company.code', '91350100m000100y43')).toBe('91350100M000100Y43')
    expect(normalized('applicant.email', ' a＠b.cn ')).toBe('a@b.cn')
    expect(normalized('applicant.name', ' 经办某 ')).toBe('经办某')
  })
})
