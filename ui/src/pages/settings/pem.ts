/** How many certificates a PEM text holds; what they are, the assistant says once it has read them. */
export function certificatesIn(text: string): number {
  return text.match(/-----BEGIN CERTIFICATE-----/g)?.length ?? 0
}
