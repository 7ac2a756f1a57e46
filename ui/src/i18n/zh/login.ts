export default {
  title: '登录',
  intro: '用经办人的手机号登录，可查看证书和订单、办理更新。',
  phone: '经办人手机号',
  phone_wrong: '请输入 11 位手机号，以 1 开头。',
  before: '验证码将发到 {phone}，请先联系好再发送。',
  send: '发送验证码',
  submit: '登录',
  other_phone: '换一个手机号',
  without: '不登录也可以：解锁 USBKEY、修改口令、诊断、查看帮助。',
}
