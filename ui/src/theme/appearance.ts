import type { Settings } from '@/backend/contract'

/** The theme and the size of text are attributes of the document; `tokens.css` does the rest. */
export function showAs({ theme, text_size }: Pick<Settings, 'theme' | 'text_size'>): void {
  const { dataset } = document.documentElement
  dataset.theme = theme
  dataset.text = text_size
}
