export default {
  title: '我的订单',
}
