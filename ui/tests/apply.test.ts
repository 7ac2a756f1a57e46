import { flushPromises } from '@vue/test-utils'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { OrderForm, OrderView } from '@/backend/contract'
import App from '@/App.vue'
import { FakeBackend, tokensView, tokenView, commandError, show, startView } from './fake'
import { NO, orderForm, orderList, orderView } from './orders'

const session = { phone: '138****0000' }

interface Options {
  order?: Partial<OrderView>
  form?: OrderForm
  at?: string
  answers?: ConstructorParameters<typeof FakeBackend>[0]
}

async function apply({ order = {}, form = orderForm(), at = `/orders/${NO}/apply`, answers = {} }: Options = {}) {
  const view = orderView({ form: { form, errors: [] }, ...order })
  const backend = new FakeBackend({
    start: () => startView({ session }),
    orders: () => orderList([]),
    order: () => view,
    save_form: ({ form: { form } }) => orderView({ ...order, form: { form, errors: [] } }),
    fix_mode: () => ({ mode: 'side_by_side', must_agree: false }),
    order_code: () => ({ phone: '138****0000', valid_for: 60, next_after: 60 }),
    confirm_order: () => orderView({ state: 'awaiting_payment', actions: ['pay', 'edit', 'cancel'] }),
    ...answers,
  })
  return show(App, { backend, at })
}

type Shown = Awaited<ReturnType<typeof show>>
const field = ({ wrapper }: Shown, path: string) => wrapper.get<HTMLInputElement>(`[data-testid="${path}"]`)
const step = ({ wrapper }: Shown) => wrapper.get('[data-testid=apply]').attributes('data-step')
const next = async ({ wrapper }: Shown) => {
  await wrapper.get('[data-testid=apply]').trigger('submit')
  await flushPromises()
}
const blank = () => ({ ...orderForm(), applicant: { ...orderForm().applicant, name: '' } })

beforeEach(() => vi.useFakeTimers({ shouldAdvanceTime: true }))
afterEach(() => vi.useRealTimers())

describe('the form', () => {
  test('is saved a moment after the last keystroke, with what is wrong in it', async () => {
    const shown = await apply()
    await field(shown, 'applicant.name').setValue('甲')
    await field(shown, 'applicant.email').setValue('wrong')
    expect(shown.backend.count('save_form')).toBe(0)
    await vi.advanceTimersByTimeAsync(1000)
    expect(shown.backend.count('save_form')).toBe(1)
    expect(shown.backend.last('save_form')).toMatchObject({ no: NO, form: { complete: false, form: { applicant: { name: '甲', email: 'wrong' } } } })
    expect(shown.wrapper.get('[data-testid=saved]').text()).toContain('已保存')
  })

  test('does not continue while something on the page is wrong, and says what', async () => {
    const shown = await apply({ form: blank() })
    expect(shown.wrapper.find('[data-testid="applicant.name-problem"]').exists()).toBe(false)
    await next(shown)
    expect(step(shown)).toBe('applicant')
    expect(shown.wrapper.get('[data-testid="applicant.name-problem"]').text()).toBe('请填写经办人姓名。')
    expect(document.activeElement).toBe(field(shown, 'applicant.name').element)
    await field(shown, 'applicant.name').setValue('甲')
    await next(shown)
    expect(step(shown)).toBe('legal_representative')
    expect(shown.router.currentRoute.value.query.step).toBe('legal_representative')
  })

  test('does not shout at a field that is not left yet', async () => {
    const shown = await apply()
    await field(shown, 'applicant.email').setValue('a')
    expect(shown.wrapper.find('[data-testid="applicant.email-problem"]').exists()).toBe(false)
    await field(shown, 'applicant.email').trigger('blur')
    expect(shown.wrapper.get('[data-testid="applicant.email-problem"]').text()).toContain('name@example.com')
  })

  test('tells what only the portal knows, until the field is another', async () => {
    const errors = [{ field: 'company.name', code: 'not_as_in_certificate' as const }]
    const shown = await apply({
      at: `/orders/${NO}/apply?step=company`,
      answers: { save_form: ({ form: { form } }) => orderView({ form: { form, errors: form.company?.name === '示例公司' ? [] : errors } }) },
    })
    await field(shown, 'company.name').setValue('别的公司')
    await next(shown)
    expect(step(shown)).toBe('company')
    expect(shown.wrapper.get('[data-testid="company.name-problem"]').text()).toContain('与证书上的不一致')
    await field(shown, 'company.name').setValue('示例公司')
    expect(shown.wrapper.find('[data-testid="company.name-problem"]').exists()).toBe(false)
    await next(shown)
    expect(step(shown)).toBe('invoice')
  })

  test('keeps what a silent portal does not take, says so, and sends it again', async () => {
    let silent = true
    const shown = await apply({
      answers: {
        save_form: ({ form: { form } }) => {
          if (silent) throw commandError({ code: 'portal.unreachable' })
          return orderView({ form: { form, errors: [] } })
        },
      },
    })
    await field(shown, 'applicant.name').setValue('没有丢')
    await vi.advanceTimersByTimeAsync(1000)
    expect(shown.wrapper.get('[data-testid=unsaved]').text()).toContain('内容留在这一页')
    await shown.router.push('/help')
    await flushPromises()
    await shown.router.push(`/orders/${NO}/apply`)
    await flushPromises()
    expect(field(shown, 'applicant.name').element.value).toBe('没有丢')
    silent = false
    await vi.advanceTimersByTimeAsync(9000)
    expect(shown.wrapper.find('[data-testid=unsaved]').exists()).toBe(false)
    expect(shown.backend.last('save_form')).toMatchObject({ form: { form: { applicant: { name: '没有丢' } } } })
  })

  test('of another person is not shown to whoever logs in next', async () => {
    const shown = await apply({ answers: { save_form: () => Promise.reject(commandError({ code: 'portal.timeout' })), logout: () => ({}) } })
    await field(shown, 'applicant.name').setValue('甲')
    await vi.advanceTimersByTimeAsync(1000)
    shown.backend.tell({ event: 'session', session: null })
    shown.backend.tell({ event: 'session', session: { phone: '139****0000' } })
    await shown.router.push('/help')
    await flushPromises()
    await shown.router.push(`/orders/${NO}/apply`)
    await flushPromises()
    expect(field(shown, 'applicant.name').element.value).toBe('经办某')
  })

  test('of a person has no company, and asks for none', async () => {
    const shown = await apply({ form: { ...orderForm(), company: null, legal_representative: null } })
    expect(shown.wrapper.findAll('.steps li').map((item) => item.get('.word').text())).toEqual(['经办人', '发票', '收件', '核对', '支付'])
    await next(shown)
    expect(step(shown)).toBe('invoice')
  })
})

describe('submitting', () => {
  const check = `/orders/${NO}/apply?step=check`
  const dialog = () => document.querySelector('.el-dialog')

  test('shows everything, and waits for the agreement', async () => {
    const shown = await apply({ at: check })
    expect(shown.wrapper.text()).toContain('11010519491231002X')
    expect(shown.wrapper.get('[data-testid=next]').attributes('disabled')).toBeDefined()
    await next(shown)
    expect(dialog()).toBeNull()
    await shown.wrapper.get('[data-testid=agreement] input').setValue(true)
    await next(shown)
    expect(dialog()?.textContent).toContain('验证码将发到经办人 138****0000，请先联系好再发送。')
    expect(shown.backend.count('order_code')).toBe(0)
  })

  test('a form with mistakes leads to the first of them', async () => {
    const shown = await apply({ at: check, form: blank() })
    await flushPromises()
    expect(step(shown)).toBe('applicant')
    expect(shown.wrapper.find('[data-testid="applicant.name-problem"]').exists()).toBe(true)
  })

  test('the old key pair is removed only after an explicit yes', async () => {
    const token = tokenView({ token_id: 'token-3F21' })
    const shown = await apply({
      at: check,
      answers: {
        start: () => startView({ session, tokens: tokensView(token) }),
        fix_mode: ({ agrees }) => ({ mode: 'replace', must_agree: !agrees }),
      },
    })
    expect(shown.wrapper.get('[data-testid=free-capacity]').text()).toContain('放不下两对密钥')
    await shown.wrapper.get('[data-testid=agreement] input').setValue(true)
    await next(shown)
    expect(dialog()).toBeNull()
    expect(shown.wrapper.get('[data-testid=free-capacity]').text()).toContain('请先确认没有这样的文件')
    await shown.wrapper.get('[data-testid=agree-replace] input').setValue(true)
    await next(shown)
    expect(shown.backend.last('fix_mode')).toEqual({ no: NO, agrees: true })
    expect(dialog()).not.toBeNull()
  })

  test('a token that does not tell its free capacity: why, and the order can be submitted all the same', async () => {
    let fails = true
    const shown = await apply({
      at: check,
      answers: {
        start: () => startView({ session, tokens: tokensView(tokenView({ token_id: 'token-3F21' })) }),
        fix_mode: () => {
          if (fails) throw commandError({ code: 'token.module_error', sentence: '驱动出错。', action: 'retry' })
          return { mode: 'side_by_side', must_agree: false }
        },
      },
    })
    const freeCapacity = () => shown.wrapper.get('[data-testid=free-capacity]').text()
    expect(freeCapacity()).toContain('驱动出错。')
    expect(freeCapacity()).not.toContain('没有插入')
    await shown.wrapper.get('[data-testid=agreement] input').setValue(true)
    await next(shown)
    expect(dialog()).not.toBeNull()
    fails = false
    await shown.wrapper.get('[data-testid=free-capacity] [role=alert] button').trigger('click')
    await flushPromises()
    expect(freeCapacity()).not.toContain('驱动出错。')
  })

  test('a code that is refused is told beside the box; the right one leads to payment', async () => {
    let isRight = false
    const shown = await apply({
      at: check,
      answers: {
        confirm_order: () => {
          if (!isRight) throw commandError({ code: 'sms.code_wrong', sentence: '验证码不正确。' })
          return orderView({ state: 'awaiting_payment', actions: ['pay'] })
        },
      },
    })
    await shown.wrapper.get('[data-testid=agreement] input').setValue(true)
    await next(shown)
    const form = () => dialog()?.querySelector('form')
    const submit = async () => {
      form()?.dispatchEvent(new Event('submit', { cancelable: true }))
      await flushPromises()
    }
    const type = (code: string) => {
      const box = document.querySelector<HTMLInputElement>('[data-testid=code-input]')
      if (!box) throw new Error('no box')
      box.value = code
      box.dispatchEvent(new Event('input'))
    }
    await submit()
    await submit()
    expect(dialog()?.textContent).toContain('验证码是六位数字。')
    type('123 456')
    await submit()
    expect(shown.backend.last('confirm_order')).toEqual({ no: NO, agreement: true, code: '123456' })
    expect(dialog()?.textContent).toContain('验证码不正确。')
    expect(document.querySelector<HTMLInputElement>('[data-testid=code-input]')?.value).toBe('')
    isRight = true
    type('654321')
    await submit()
    expect(shown.wrapper.get('[data-testid=pay-purpose]').text()).toBe(NO)
    expect(shown.wrapper.html()).not.toContain('654321')
  })

  test('what can no longer be changed is shown on the page of the order', async () => {
    const shown = await apply({ order: { state: 'awaiting_review', actions: ['edit'] } })
    await flushPromises()
    expect(shown.router.currentRoute.value.name).toBe('order')
  })
})
