import type { Words } from '../words'

export default {
  title: 'Certificates',
} satisfies Words['certificates']
