import type { TensorLike } from '@tp/core/runtime'
import { loadTokenizer, readModelFolder } from '@tp/data'
import type { ModelInputs, TextTokenizer } from '@tp/data/inputs'
import { patchGrid } from './patch-grid.ts'

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

/** Names for the tokens of an example by their places: pieces of words, or the row and column of a patch. */
export async function tokenNames(
  { feeds, lengths }: ModelInputs,
  example: number,
  { batchSize, tokenizer, tokens }: TokenNamesOptions,
): Promise<readonly string[]> {
  const given = await feeds(new Array<number>(batchSize).fill(example))
  const ids = given.input_ids ?? given.input
  if (tokenizer !== undefined && ids !== undefined) {
    return Array.from({ length: lengths?.[example] ?? 0 }, (_, i) => tokenText(tokenizer, Number(ids.data[i])))
  }
  const [input] = Object.values(given) as [TensorLike]
  const grid = patchGrid(input.dims, tokens ?? 0)
  return Array.from({ length: tokens ?? lengths?.[example] ?? 0 }, (_, i) => {
    const patch = i - (grid?.before ?? 0)
    if (grid === undefined || patch < 0) return `token ${i}`
    return `patch ${Math.floor(patch / grid.columns) + 1}, ${(patch % grid.columns) + 1}`
  })
}

interface TokenNamesOptions {
  readonly batchSize: number
  readonly tokenizer: TextTokenizer | undefined
  /** Of an image or sound. */
  readonly tokens: number | undefined
}
