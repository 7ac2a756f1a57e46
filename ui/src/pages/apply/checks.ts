// What the portal checks in a form (`crates/portal/src/orders/form.rs`), so that it can be said while the user still
// looks at the field. The portal's verdict counts.
import type { FieldError, FieldErrorCode, IdType, OrderForm } from '@/backend/contract'

/** Characters of a field. */
const LONGEST = 200

const CONTROL = /\p{Cc}/u

/** A mobile number of the mainland. */
export function isMobile(phone: string): boolean {
  return /^1[3-9]\d{9}$/.test(phone)
}

/** A mobile number, or a fixed line with its area code. */
export function isAnyPhone(phone: string): boolean {
  const plain = phone.replace(/[- ]/g, '')
  return isMobile(plain) || /^0\d{9,11}$/.test(plain)
}

/** One address, as people have them: RFC 5321 sizes, no quoting. */
export function isEmail(address: string): boolean {
  const at = address.lastIndexOf('@')
  const [local, domain] = [address.slice(0, Math.max(at, 0)), address.slice(at + 1)]
  const labels = domain.split('.')
  return (
    /^[\w!#$%&'*+/=?^`{|}~.-]{1,64}$/.test(local) &&
    !/^\.|\.$|\.\./.test(local) &&
    domain.length <= 253 &&
    labels.length >= 2 &&
    labels.every((label) => /^(?!-)[A-Za-z0-9-]{1,63}(?<!-)$/.test(label))
  )
}

/** GB 11643-1999: 17 digits with the day of birth in the middle, and a check character (ISO 7064 MOD 11-2). */
export function isIdentityNumber(number: string): boolean {
  if (!/^\d{17}[\dXx]$/.test(number)) return false
  const sum = Array.from(number.slice(0, 17)).reduce((all, digit, at) => all + Number(digit) * (2 ** (17 - at) % 11), 0)
  const expected = (12 - (sum % 11)) % 11
  return number.charAt(17).toUpperCase() === (expected === 10 ? 'X' : String(expected)) && isBirthday(number.slice(6, 14))
}

function isBirthday(digits: string): boolean {
  const [year, month, day] = [Number(digits.slice(0, 4)), Number(digits.slice(4, 6)), Number(digits.slice(6, 8))]
  const date = new Date(Date.UTC(year, month - 1, day))
  return year >= 1850 && year <= 2200 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day
}

/** Passports and permits: letters and digits. */
export function isDocumentNumber(number: string): boolean {
  return /^[A-Za-z0-9]{5,30}$/.test(number)
}

const USCC = '0123456789ABCDEFGHJKLMNPQRTUWXY'

/** GB 32100-2015: 17 characters and a check character (MOD 31-3). */
export function isUscc(code: string): boolean {
  const values = Array.from(code).map((character) => USCC.indexOf(character))
  if (values.length !== 18 || values.includes(-1)) return false
  let weight = 1
  let sum = 0
  for (const value of values.slice(0, 17)) {
    sum += value * weight
    weight = (weight * 3) % 31
  }
  return values[17] === (31 - (sum % 31)) % 31
}

/** GB 11714-1997: eight characters, a hyphen that may be left out, and a check character (MOD 11). */
export function isOrganizationCode(code: string): boolean {
  const parts = /^([0-9A-Z]{8})-?([0-9X])$/.exec(code)
  if (!parts) return false
  const WEIGHTS = [3, 7, 9, 10, 5, 8, 4, 2]
  const sum = Array.from(parts[1] ?? '').reduce((all, c, at) => all + parseInt(c, 36) * (WEIGHTS[at] ?? 0), 0)
  const expected = 11 - (sum % 11)
  return parts[2] === (expected === 10 ? 'X' : expected === 11 ? '0' : String(expected))
}

/** Everything that is wrong in a form, in the order of the pages. Whether it names the certificate's holder only the portal knows. */
export function check(form: OrderForm): FieldError[] {
  const errors: FieldError[] = []
  const add = (field: string, code: FieldErrorCode) => errors.push({ field, code })

  function isPlain(field: string, value: string): boolean {
    if (Array.from(value).length > LONGEST) add(field, 'too_long')
    else if (CONTROL.test(value)) add(field, 'bad_characters')
    else return true
    return false
  }

  function required(field: string, value: string, code?: FieldErrorCode, isRight?: (value: string) => boolean) {
    if (value.trim() === '') add(field, 'required')
    else if (isPlain(field, value) && code && isRight && !isRight(value.trim())) add(field, code)
  }

  function identity(field: string, type: IdType, number: string) {
    required(field, number, 'bad_id_number', type === 'identity_card' ? isIdentityNumber : isDocumentNumber)
  }

  const { applicant, legal_representative, company, invoice, delivery } = form
  required('applicant.name', applicant.name)
  required('applicant.phone', applicant.phone, 'bad_phone', isMobile)
  required('applicant.email', applicant.email, 'bad_email', isEmail)
  identity('applicant.id_number', applicant.id_type, applicant.id_number)
  if (legal_representative) {
    required('legal_representative.name', legal_representative.name)
    identity('legal_representative.id_number', legal_representative.id_type, legal_representative.id_number)
  }
  if (company) {
    required('company.name', company.name)
    required('company.kind', company.kind)
    if (company.code_type === 'uscc') required('company.code', company.code, 'bad_uscc', isUscc)
    else if (company.code_type === 'other') required('company.code', company.code)
    else required('company.code', company.code, 'bad_organization_code', isOrganizationCode)
    required('company.industry', company.industry)
  }
  required('invoice.title', invoice.title)
  if (invoice.kind === 'special') {
    required('invoice.tax_number', invoice.tax_number)
    required('invoice.bank', invoice.bank)
    required('invoice.account', invoice.account)
    required('invoice.address', invoice.address)
    required('invoice.phone', invoice.phone, 'bad_phone', isAnyPhone)
  } else {
    isPlain('invoice.tax_number', invoice.tax_number)
  }
  if (delivery.kind === 'courier') {
    required('delivery.name', delivery.name)
    required('delivery.phone', delivery.phone, 'bad_phone', isAnyPhone)
    required('delivery.region', delivery.region)
    required('delivery.address', delivery.address)
  }
  return errors
}
