import type { ValueInfo } from '@tp/core/runtime'
import { UNLABELED } from '../datasets/dataset.ts'
import type { TaggedDataset } from '../datasets/tagged-tsv.ts'
import { hash } from './divide.ts'
import { IGNORED } from './ignored.ts'
import type { ModelInputs } from './model-inputs.ts'
import { mayPause, type TextOptions } from './text-inputs.ts'
import { type TokenRow, tokenRows } from './token-rows.ts'
import type { TextTokenizer } from './tokenizer.ts'

/** Sentences with a tag for each word, in the form that one model takes. */
export interface TaggedInputs extends ModelInputs {
  /**
   * By example and token: the class number wanted, {@link UNLABELED} where it is not known; {@link IGNORED} for special tokens and all pieces
   * of a word but its first.
   */
  readonly tags: readonly Int32Array[]
  /** The tags are one for each label of a model of several labels, 1 where it holds and 0 where not. Default: for each token. */
  readonly unit?: 'labels' | undefined
}

/**
 * Tokenizes sentences word by word. A word is judged by its first piece, as usual (Devlin et al., NAACL 2019, section 5.3).
 * Words without a piece, since the sentence was cut or the tokenizer knows nothing in them, are not judged; `notes` says
 * how many.
 * @throws TpError TP_TOKENIZER when the tokenizer has ids that the model has no embedding for; TP_INPUT, TP_OPTION
 */
export async function taggedInputs(
  dataset: TaggedDataset,
  inputs: readonly ValueInfo[],
  tokenizer: TextTokenizer,
  options: TextOptions = {},
): Promise<TaggedInputs> {
  const form = tokenRows(inputs, tokenizer, options)
  const rows: TokenRow[] = []
  const tags: Int32Array[] = []
  const preparationMs: number[] = []
  let lost = 0
  for (const sentence of dataset.sentences) {
    await mayPause(rows.length, options.signal)
    const start = performance.now()
    const { ids, words } = tokenizer.encodeWords(sentence.words, form.maxTokens)
    preparationMs.push(performance.now() - start)
    const row = { ids: Int32Array.from(ids) }
    form.check(row, sentence.source)
    rows.push(row)
    tags.push(
      Int32Array.from(words, (word, i) => (word < 0 || word === words[i - 1] ? IGNORED : tagOf(sentence, word))),
    )
    lost += sentence.words.length - new Set(words.filter((word) => word >= 0)).size
  }
  const reason = `have no token of their own (the model takes ${form.maxTokens} tokens) and are not judged`
  return {
    source: dataset.source,
    targets: dataset.sentences.map(() => UNLABELED),
    tags,
    lengths: rows.map((row) => row.ids.length),
    padded: form.padded,
    preparationMs,
    keys: rows.map((row) => row.ids.join(' ')).map(hash),
    notes: lost === 0 ? [] : [`${lost} words ${reason}`],
    feeds: async (positions) => form.feeds(positions.map((position) => rows[position] as TokenRow)),
  }
}

function tagOf({ tags }: TaggedDataset['sentences'][number], word: number): number {
  return tags[word] ?? IGNORED
}
