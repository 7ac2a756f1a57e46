// Orders and certificates for the tests of their pages.
import type { CertificateView, OrderForm, OrderList, OrderSummary, OrderView, Product } from '@/backend/contract'

export const NO = 'SAAS120261123142000000152'

export function orderForm(): OrderForm {
  return {
    applicant: { name: '经办某', phone: '13800000000', email: 'a@b.cn', id_type: 'identity_card', id_number: '11010519491231002X' },
    legal_representative: { name: '法人某', id_type: 'identity_card', id_number: '11010519491231002X' },
    company: { name: '示例公司', kind: '有限责任公司', code_type: 'uscc', code: '91350100M000100Y43', industry: '制造业' },
    invoice: { kind: 'ordinary', title: '示例公司', tax_number: '', bank: '', account: '', address: '', phone: '' },
    delivery: { kind: 'none', name: '', phone: '', region: '', address: '' },
  }
}

export function orderSummary(changed: Partial<OrderSummary> = {}): OrderSummary {
  return {
    no: NO,
    kind: 'renewal',
    state: 'draft',
    note: null,
    company: '示例公司',
    product: 'sm2-enterprise',
    product_name: 'SM2企业数字证书-更新',
    validity_years: 1,
    amount: 40_000,
    created_at: '2026-11-20T04:00:00Z',
    reject_reason: null,
    certificate: '0A1B2C3D',
    token_id: 'token-3F21',
    actions: ['save_form', 'confirm', 'delete'],
    ...changed,
  }
}

export function orderView(changed: Partial<OrderView> = {}): OrderView {
  return {
    ...orderSummary(),
    form: { form: orderForm(), errors: [] },
    mode: null,
    phone: '138****0000',
    payment: { method: null, amount: 40_000, account: { payee: '收款人', bank: '示例银行', account: '0000 1111' } },
    submitted_at: null,
    work_until: null,
    timeline: [{ at: '2026-11-20T04:00:00Z', event: 'create', state: 'draft', note: null, actor: 'applicant', reason: null }],
    ...changed,
  }
}

export function orderList(items: OrderSummary[], total = items.length): OrderList {
  const counts: Record<string, number> = { all: total }
  for (const { state } of items) counts[state] = (counts[state] ?? 0) + 1
  return { items, page: 1, page_size: 10, total, counts }
}

export function certificateView(changed: Partial<CertificateView> = {}): CertificateView {
  return {
    serial: '0A1B2C3D',
    holder: { kind: 'enterprise', name: '示例公司', uscc: '91350100M000100Y43' },
    state: 'expiring_soon',
    not_before: '2025-12-20T04:00:00Z',
    not_after: '2026-12-20T04:00:00Z',
    days_left: 27,
    product: 'sm2-enterprise',
    product_name: 'SM2企业数字证书',
    phone: '138****0000',
    token_id: 'token-3F21',
    superseded_by: null,
    revoked_reason: null,
    actions: ['renew'],
    no_action_because: null,
    open_order: null,
    ...changed,
  }
}

export function product(): Product {
  const prices = [1, 2, 3].map((validity_years) => ({ validity_years, amount: 40_000 * validity_years }))
  return { code: 'sm2-enterprise', name: 'SM2企业数字证书', holder: 'enterprise', seal: '默认章', prices }
}
