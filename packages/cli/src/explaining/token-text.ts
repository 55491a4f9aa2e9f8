import { loadTokenizer, readModelFolder } from '@tp/data'
import type { ModelInputs, TextTokenizer } from '@tp/data/inputs'

/** The text of a token, in one line and without control characters; special ones by their name. */
export function tokenText(tokenizer: TextTokenizer, id: number): string {
  const text = tokenizer.textOf(id).trim() || tokenizer.nameOf(id)
  return text.replace(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1))
}

/** Opens what words of a text are called by; only texts have lengths of their own, and words to show. */
export async function tokenizerOf(
  modelPath: string,
  { lengths }: ModelInputs,
  given: string | undefined,
): Promise<TextTokenizer | undefined> {
  const path = given ?? (await readModelFolder(modelPath)).tokenizer
  return lengths === undefined || path === undefined ? undefined : await loadTokenizer(path)
}
