/** One after the other, as the language sets them: Latin full stops are followed by a blank, Chinese ones are not. */
export function together(...sentences: string[]): string {
  return sentences.filter(Boolean).reduce((all, next) => (/[.?:;)]$/.test(all) ? `${all} ${next}` : all + next), '')
}
