/** Digits as they are typed on any keyboard and pasted with blanks: `138 0000 0000` gives `13800000000`. */
export function plainDigits(text: string): string {
  return text.normalize('NFKC').replace(/\D/g, '')
}

/** Only the full-width forms become plain; nothing else of what a user chose is changed. */
export function plainWidth(text: string): string {
  return text.replace(/[\uFF01-\uFF5E]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0))
}
