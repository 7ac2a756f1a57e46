import { expect, test } from 'vitest'
import HomePage from '@/pages/home/HomePage.vue'
import { certificateOnToken, FakeBackend, tokensView, tokenView, project, settled, show, startView, jobView } from './fake'

const unfinished = {
  kind: 'renewal',
  order: 'SAAS1',
  token_id: 'token-3F21',
  tail: '3F21',
  holder: '示例商贸有限公司',
  after: '写入证书',
  steps_left: 3,
  at: new Date().toISOString(),
} as const

function portal(start: Partial<ReturnType<typeof startView>> = {}) {
  return new FakeBackend({
    start: () => startView(start),
    project: () => project({ hotline: '400-000-1111' }),
    products: () => [
      {
        code: 'a',
        name: 'x',
        holder: 'enterprise',
        seal: '默认章',
        prices: [
          { validity_years: 2, amount: 70050 },
          { validity_years: 1, amount: 40000 },
        ],
      },
    ],
    certificates: () => ({
      items: [certificate('valid', 'AAAA', 200), certificate('expiring_soon', '88A0', 12), certificate('expiring_soon', '3F21', 9)],
      page: 1,
      page_size: 100,
      total: 3,
    }),
  })
}

function certificate(state: 'valid' | 'expiring_soon', tail: string, days_left: number) {
  return {
    serial: tail,
    holder: { kind: 'enterprise' as const, name: `公司 ${tail}` },
    state,
    not_before: '2025-12-20T04:00:00Z',
    not_after: '2026-12-07T04:00:00Z',
    days_left,
    product: 'a',
    product_name: 'x',
    phone: '138****0000',
    token_id: `token-${tail}`,
    actions: [],
  }
}

test('offers what exists: no purchase', async () => {
  const { wrapper } = await show(HomePage, { backend: portal() })
  expect(wrapper.findAll('.choice strong').map((word) => word.text())).toEqual(['更新', '解锁', '订单修改及查询'])
})

test('the price, the papers and the hotline are told before anything begins', async () => {
  const { wrapper } = await show(HomePage, { backend: portal() })
  expect(wrapper.text()).toContain('办理 1 年期 400.00 元起')
  expect(wrapper.text()).toContain('营业执照')
  expect(wrapper.text()).toContain('热线 400-000-1111')
})

test('with the portal silent the page is complete, with what was known', async () => {
  const { wrapper } = await show(HomePage)
  expect(wrapper.text()).toContain('热线 400-666-3999')
  expect(wrapper.text()).not.toContain('年期')
})

test('an unfinished job continues where it stopped', async () => {
  const { wrapper, router } = await show(HomePage, {
    backend: portal({ unfinished: [unfinished], session: { phone: '138****0000' } }),
  })
  expect(wrapper.text()).toContain('停在“写入证书”之后（今天 ')
  expect(wrapper.text()).toContain('还剩 3 步，需再输口令。')
  expect(wrapper.text()).toContain('不用重新付款或审核')
  await wrapper.get('.unfinished .el-button--primary').trigger('click')
  await settled()
  expect(router.currentRoute.value.fullPath).toBe('/orders/SAAS1/write')
})

test('an unfinished job is told no more once the user says so', async () => {
  const forgotten: string[] = []
  const backend = portal({ unfinished: [unfinished], session: { phone: '138****0000' } })
  backend.answers.forget_unfinished = ({ no }) => {
    forgotten.push(no)
    return { items: [] }
  }
  const { wrapper } = await show(HomePage, { backend })
  await wrapper.findAll('.unfinished button').find((b) => b.text() === '不再提示')?.trigger('click')
  await settled()
  expect(forgotten).toEqual([])
  const agree = [...document.querySelectorAll<HTMLElement>('.el-dialog button')].find((b) => b.textContent.trim() === '不再提示')
  agree?.click()
  await settled()
  expect(forgotten).toEqual(['SAAS1'])
})

test('one next step: with an unfinished job, the token card offers none', async () => {
  const tokens = tokensView(tokenView({ certificates: [certificateOnToken({ state: 'expiring_soon', days_left: 5 })] }))
  const { wrapper } = await show(HomePage, { backend: portal({ unfinished: [unfinished], tokens }) })
  expect(wrapper.findAll('.el-button--primary').map((button) => button.text())).toEqual(['继续'])
})

test('the job that runs is not told as interrupted', async () => {
  const job = jobView({ order: 'SAAS1' })
  const { wrapper } = await show(HomePage, { backend: portal({ unfinished: [unfinished], job }) })
  expect(wrapper.text()).toContain('正在办理：更新')
  expect(wrapper.find('.unfinished').exists()).toBe(false)
})

test('certificates that expire soon, but for the one on the token above', async () => {
  const backend = portal({ session: { phone: '138****0000' }, tokens: tokensView(tokenView()) })
  const { wrapper } = await show(HomePage, { backend })
  expect(wrapper.text()).toContain('公司 88A0（尾号 88A0）')
  expect(wrapper.text()).toContain('还有 12 天')
  expect(wrapper.text()).not.toContain('公司 AAAA')
  expect(wrapper.text()).not.toContain('公司 3F21')
})

test('a reminder is seen by who is not logged in, too', async () => {
  const { wrapper, backend } = await show(HomePage, { backend: portal() })
  expect(backend.count('certificates')).toBe(0)
  backend.tell({ event: 'reminder', reminder: { holder: '丙公司', tail: 'CCCC', not_after: '2026-12-07T04:00:00Z', days_left: 7 } })
  await settled()
  expect(wrapper.text()).toContain('丙公司（尾号 CCCC）')
})

test('without a portal, says who sets it up', async () => {
  const { wrapper, backend } = await show(HomePage, { backend: portal({ portal: { anchors: [] } }) })
  expect(wrapper.text()).toContain('还没有设置门户地址')
  expect(backend.count('project')).toBe(0)
})
