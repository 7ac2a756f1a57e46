import { describe, expect, test } from 'vitest'
import type { Diagnosis } from '@/backend/contract'
import DiagnosisPage from '@/pages/diagnosis/DiagnosisPage.vue'
import HelpPage from '@/pages/help/HelpPage.vue'
import { PROBLEMS } from '@/pages/help/problems'
import SettingsPage from '@/pages/settings/SettingsPage.vue'
import zh from '@/i18n/zh'
import { FakeBackend, commandError, settled, show, startView } from './fake'

type Wrapper = Awaited<ReturnType<typeof show>>['wrapper']

const button = (wrapper: Wrapper, word: string) => {
  const found = wrapper.findAll('button').find((candidate) => candidate.text() === word)
  if (!found) throw new Error(`no button ${word}`)
  return found
}

async function press(wrapper: Wrapper, word: string) {
  await button(wrapper, word).trigger('click')
  await settled()
}

describe('diagnosis', () => {
  const diagnosis: Diagnosis = {
    at: '2026-11-25T06:20:00Z',
    number: '7A3F01',
    ok: false,
    lines: [
      { check: 'pcsc', title: '读卡器服务', level: 'ok', says: '读卡器服务正在运行' },
      { check: 'module', title: '驱动', level: 'bad', says: '缺少驱动。', remedy: '请安装。', code: 'token.module_missing', action: 'help' },
      { check: 'portal', title: '门户', level: 'warn', says: '没有应答。', remedy: '请重试。', code: 'portal.timeout', action: 'retry' },
    ],
  }

  test('runs when it is asked to, and puts problems first', async () => {
    const { wrapper, backend, router } = await show(DiagnosisPage, { backend: new FakeBackend({ diagnose: () => diagnosis }) })
    expect(backend.count('diagnose')).toBe(0)
    await press(wrapper, '开始诊断')
    expect(wrapper.text()).toContain('发现 1 个问题')
    expect(wrapper.text()).toContain('7A3F01')
    expect(wrapper.findAll('li h3').map((title) => title.text())).toEqual(['驱动', '门户', '读卡器服务'])
    await press(wrapper, '重试')
    expect(backend.count('diagnose')).toBe(2)
    await press(wrapper, '帮助与热线')
    expect(router.currentRoute.value.fullPath).toBe('/help#hotline')
  })

  test('says so when all is well', async () => {
    const well = { ...diagnosis, ok: true, lines: diagnosis.lines.slice(0, 1) }
    const { wrapper } = await show(DiagnosisPage, { backend: new FakeBackend({ diagnose: () => well }) })
    await press(wrapper, '开始诊断')
    expect(wrapper.text()).toContain('没有发现问题。')
  })

  test('its files are saved where the user wants them', async () => {
    const backend = new FakeBackend({
      diagnose: () => diagnosis,
      diagnosis_file: () => ({ name: 'd.txt', text: 'd' }),
      unknown_token: () => ({ name: 'u.txt', text: 'u' }),
    })
    const { wrapper } = await show(DiagnosisPage, { backend })
    await press(wrapper, '生成识别报告')
    await press(wrapper, '保存识别报告')
    await press(wrapper, '开始诊断')
    await press(wrapper, '保存诊断文件')
    expect(backend.saved.map((file) => file.name)).toEqual(['u.txt', 'd.txt'])
    expect(wrapper.text()).toContain('已保存。')
  })

  test('a report of an unknown token is read, agreed to, and sent; its number is told', async () => {
    const backend = new FakeBackend({
      unknown_token: () => ({ name: 'u.txt', text: 'ATR: 3B 01' }),
      send_unknown_token: () => ({ number: '482913' }),
    })
    const { wrapper } = await show(DiagnosisPage, { backend })
    await press(wrapper, '生成识别报告')
    expect(wrapper.get('pre').text()).toBe('ATR: 3B 01')
    await press(wrapper, '发送识别报告')
    expect(wrapper.find('[data-testid=report-number]').exists()).toBe(false)
    const agree = [...document.querySelectorAll<HTMLElement>('.el-dialog button')].find((b) => b.textContent.trim() === '发送')
    agree?.click()
    await settled()
    expect(wrapper.get('[data-testid=report-number]').text()).toContain('482913')
  })

  test('a diagnosis that cannot be made says why', async () => {
    const { wrapper } = await show(DiagnosisPage)
    await press(wrapper, '开始诊断')
    expect(wrapper.get('[role=alert]').text()).toContain('test.diagnose')
  })
})

describe('settings', () => {
  const taking = () => new FakeBackend({ change_settings: ({ settings }) => settings })

  test('a change holds at once', async () => {
    const { wrapper, backend } = await show(SettingsPage, { backend: taking() })
    await wrapper.get('input[value=largest]').setValue(true)
    await settled()
    expect(document.documentElement.dataset.text).toBe('largest')
    await wrapper.get('input[value=dark]').setValue(true)
    await settled()
    expect(backend.last('change_settings')).toEqual({
      settings: { ...startView().settings, text_size: 'largest', theme: 'dark' },
    })
  })

  test('reminders and autostart are switched', async () => {
    const { wrapper, backend } = await show(SettingsPage, { backend: taking() })
    for (const control of wrapper.findAll('[role=switch]')) {
      await control.setValue(control.attributes('aria-checked') !== 'true')
      await settled()
    }
    expect(backend.last('change_settings')).toEqual({
      settings: { ...startView().settings, reminders: false, autostart: true },
    })
  })

  const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'
  const anchor = { subject: 'CN=示例根', not_after: '2036-01-01T00:00:00Z', fingerprint: 'A1B2C3D4'.repeat(8) }

  test('an administrator sets the portal up, and sees what is trusted', async () => {
    const backend = new FakeBackend({ use_portal: ({ url }) => ({ url, name: 'portal', anchors: [anchor] }) })
    const { wrapper } = await show(SettingsPage, { backend })
    await press(wrapper, '更改门户')
    await wrapper.get('input[type=url]').setValue(' https://other.example ')
    await wrapper.get('textarea').setValue(PEM)
    await wrapper.get('form').trigger('submit')
    await settled()
    expect(backend.last('use_portal')).toEqual({ url: 'https://other.example', anchors: [PEM] })
    expect(wrapper.text()).toContain('https://other.example')
    expect(wrapper.text()).toContain('CN=示例根')
    expect(wrapper.text()).toContain('A1B2 C3D4')
  })

  test('files that are no PEM are not taken; nothing is sent without a root', async () => {
    const { wrapper, backend } = await show(SettingsPage)
    await press(wrapper, '更改门户')
    const files = wrapper.get<HTMLInputElement>('input[type=file]')
    Object.defineProperty(files.element, 'files', {
      value: [new File([PEM + PEM], 'roots.pem'), new File(['x'], 'photo.jpg')],
    })
    await files.trigger('change')
    await settled()
    expect(wrapper.text()).toContain('roots.pem（2 张证书）')
    expect(wrapper.text()).toContain('photo.jpg 中没有 PEM 格式的证书')
    await press(wrapper, '移除 roots.pem')
    await wrapper.get('form').trigger('submit')
    expect(backend.count('use_portal')).toBe(0)
    expect(wrapper.text()).toContain('请选择或粘贴至少一张根证书。')
  })

  test('a portal that is refused says why, and what was typed stays', async () => {
    const backend = new FakeBackend({
      use_portal: () => {
        throw commandError({ code: 'pki.malformed' })
      },
    })
    const { wrapper } = await show(SettingsPage, { backend })
    await press(wrapper, '更改门户')
    await wrapper.get('textarea').setValue(PEM)
    await wrapper.get('form').trigger('submit')
    await settled()
    expect(wrapper.get('[role=alert]').text()).toContain('pki.malformed')
    expect(wrapper.get('textarea').element.value).toBe(PEM)
  })
})

describe('help', () => {
  test('is complete without the network', async () => {
    const backend = new FakeBackend({ start: () => startView({ project: null }) })
    const { wrapper } = await show(HelpPage, { backend })
    expect(backend.calls.map((call) => call.name)).toEqual(['start'])
    expect(wrapper.text()).toContain('400-666-3999')
    expect(wrapper.findAll('ol')[1]?.findAll('li')).toHaveLength(9)
  })

  test('opens at the problem that somebody came with', async () => {
    const { wrapper, router } = await show(HelpPage, { at: '/help#driver' })
    expect(wrapper.findAll('details[open]').map((one) => one.attributes('id'))).toEqual(['driver'])
    await router.push('/help#pin')
    await settled()
    expect(wrapper.findAll('details[open]').map((one) => one.attributes('id'))).toEqual(['pin'])
  })

  test('shows every problem that it has words for', () => {
    expect([...PROBLEMS].sort()).toEqual(Object.keys(zh.help.problems).sort())
  })
})
