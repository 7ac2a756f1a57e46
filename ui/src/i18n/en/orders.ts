import type { Words } from '../words'

export default {
  title: 'Orders',
} satisfies Words['orders']
