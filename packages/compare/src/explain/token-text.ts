import type { TextTokenizer } from '@tp/data/inputs'

/** The text of a token, in one line and without control characters; special ones by their name. */
export function tokenText(tokenizer: TextTokenizer, id: number): string {
  const text = tokenizer.textOf(id).trim() || tokenizer.nameOf(id)
  return text.replace(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1))
}
