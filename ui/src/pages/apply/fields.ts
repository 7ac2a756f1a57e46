import type { OrderForm } from '@/backend/contract'
import { plainWidth } from '@/format/digits'

/** The short pages of the form. */
export type FormStep = 'applicant' | 'legal_representative' | 'company' | 'invoice' | 'delivery'
export type Step = FormStep | 'check' | 'pay'

/** A field of the form: its path, and how it is typed. */
export interface Field {
  path: string
  /** `choice`: one of `options`; `suggest`: text, with usual words at hand; `radio`: one of two or three, all shown. */
  as: 'text' | 'choice' | 'radio' | 'suggest'
  options?: readonly string[]
  required?: boolean
  inputmode?: 'text' | 'tel' | 'email' | 'numeric'
  /** Over the whole width. */
  wide?: boolean
  /** As the portal takes it, from what a user types or pastes. */
  normalize?: (typed: string) => string
}

const trimmed = (typed: string) => plainWidth(typed).trim()
const named = (typed: string) => typed.trim()
const packed = (typed: string) => plainWidth(typed).replace(/\s/g, '').toUpperCase()
const mobile = (typed: string) =>
  plainWidth(typed)
    .replace(/[\s-]/g, '')
    .replace(/^(\+86|86)(?=1\d{10}$)/, '')

export const ID_TYPES = ['identity_card', 'passport', 'travel_permit', 'other'] as const
export const CODE_TYPES = ['uscc', 'organization', 'other'] as const
export const INVOICE_KINDS = ['ordinary', 'special'] as const
export const DELIVERY_KINDS = ['none', 'courier'] as const

const text = (path: string, more: Partial<Field> = {}): Field => ({ path, as: 'text', required: true, normalize: named, ...more })

const identityFields = (of: string): Field[] => [
  text(`${of}.name`),
  { path: `${of}.id_type`, as: 'choice', options: ID_TYPES, required: true },
  text(`${of}.id_number`, { normalize: packed }),
]

/** The fields of a page, for a form as it is now. */
export function fieldsOf(step: FormStep, form: OrderForm): Field[] {
  switch (step) {
    case 'applicant':
      return [
        text('applicant.name'),
        text('applicant.phone', { inputmode: 'tel', normalize: mobile }),
        text('applicant.email', { inputmode: 'email', normalize: trimmed }),
        ...identityFields('applicant').slice(1),
      ]
    case 'legal_representative':
      return identityFields('legal_representative')
    case 'company':
      return [
        text('company.name'),
        { path: 'company.code_type', as: 'choice', options: CODE_TYPES, required: true },
        text('company.code', { normalize: packed }),
        text('company.kind', { as: 'suggest' }),
        text('company.industry', { as: 'suggest' }),
      ]
    case 'invoice':
      return [
        { path: 'invoice.kind', as: 'radio', options: INVOICE_KINDS, required: true, wide: true },
        text('invoice.title'),
        text('invoice.tax_number', { normalize: packed, required: form.invoice.kind === 'special' }),
        ...(form.invoice.kind === 'special'
          ? [
              text('invoice.bank'),
              text('invoice.account', { inputmode: 'numeric', normalize: trimmed }),
              text('invoice.phone', { inputmode: 'tel', normalize: trimmed }),
              text('invoice.address'),
            ]
          : []),
      ]
    case 'delivery':
      return [
        { path: 'delivery.kind', as: 'radio', options: DELIVERY_KINDS, required: true, wide: true },
        ...(form.delivery.kind === 'courier'
          ? [
              text('delivery.name'),
              text('delivery.phone', { inputmode: 'tel', normalize: trimmed }),
              text('delivery.region'),
              text('delivery.address'),
            ]
          : []),
      ]
  }
}

/** The steps: personal certificates leave the company out; what was paid is not paid again. */
export function stepsOf(form: OrderForm, isPaid: boolean): Step[] {
  return [
    'applicant',
    ...(form.legal_representative ? (['legal_representative'] as const) : []),
    ...(form.company ? (['company'] as const) : []),
    'invoice',
    'delivery',
    'check',
    ...(isPaid ? [] : (['pay'] as const)),
  ]
}

export function stepOf(path: string): FormStep {
  return path.split('.')[0] as FormStep
}

type Parts = Record<string, Record<string, string> | null | undefined>

export function valueOf(form: OrderForm, path: string): string {
  const [part = '', name = ''] = path.split('.')
  return (form as unknown as Parts)[part]?.[name] ?? ''
}

export function setValue(form: OrderForm, path: string, value: string): void {
  const [part = '', name = ''] = path.split('.')
  const fields = (form as unknown as Parts)[part]
  if (fields) fields[name] = value
}

/** The field that says how another one is judged. */
export function typeOf(path: string): string | undefined {
  if (path.endsWith('.id_number')) return path.replace('.id_number', '.id_type')
  if (path === 'company.code') return 'company.code_type'
  return /^(invoice|delivery)\./.test(path) ? path.replace(/\..*/, '.kind') : undefined
}

/** The key of an option's word: those of `id_type` are the same for everybody. */
export function optionKey(path: string, option: string): string {
  return `apply.option.${path.replace(/^.*\.(?=id_type)|\.kind$/, '')}.${option}`
}
