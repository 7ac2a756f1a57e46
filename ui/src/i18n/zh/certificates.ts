export default {
  title: '我的证书',
}
