import { type AbortSignalLike, throwIfAborted, type ValueInfo } from '@tp/core/runtime'
import type { TextDataset } from '../datasets/dataset.ts'
import { someRanked } from '../datasets/ranking.ts'
import { hash } from './divide.ts'
import type { ModelInputs } from './model-inputs.ts'
import type { Pooling } from './pooling.ts'
import { type TokenRow, type TokenRowsOptions, tokenRows } from './token-rows.ts'
import type { TextTokenizer } from './tokenizer.ts'

export interface TextOptions extends TokenRowsOptions {
  readonly pooling?: Pooling | undefined
  readonly signal?: AbortSignalLike | undefined
}

/**
 * Tokenizes all texts, or pairs of texts, once. Batches are padded to their longest row, or to the model's fixed length.
 * @throws TpError TP_TOKENIZER when the tokenizer has ids that the model has no embedding for
 */
export async function textInputs(
  dataset: TextDataset,
  inputs: readonly ValueInfo[],
  tokenizer: TextTokenizer,
  options: TextOptions = {},
): Promise<ModelInputs> {
  const form = tokenRows(inputs, tokenizer, options)
  const rows: TokenRow[] = []
  const preparationMs: number[] = []
  for (const example of dataset.examples) {
    await mayPause(rows.length, options.signal)
    const start = performance.now()
    const row = rowOf(tokenizer, await example.read(), example.pair, form.maxTokens)
    preparationMs.push(performance.now() - start)
    form.check(row, example.source)
    rows.push(row)
  }
  return {
    source: dataset.source,
    targets: dataset.examples.map(({ label }) => label),
    lengths: rows.map(({ ids }) => ids.length),
    padded: form.padded,
    preparationMs,
    keys: rows.map(({ ids }) => ids.join(' ')).map(hash),
    // A data set may have been cut to whole batches.
    ranking: dataset.ranking && someRanked(dataset.ranking, [...rows.keys()]),
    pooling: options.pooling?.of,
    notes: [],
    feeds: async (positions) => form.feeds(positions.map((position) => rows[position] as TokenRow)),
  }
}

function rowOf(tokenizer: TextTokenizer, text: string, pair: string | undefined, maxTokens: number): TokenRow {
  if (pair === undefined) return { ids: Int32Array.from(tokenizer.encode(text, maxTokens)) }
  const { ids, segments } = tokenizer.encodePair(text, pair, maxTokens)
  return { ids: Int32Array.from(ids), segments: Uint8Array.from(segments) }
}

const CHUNK = 64

/** Yields to other tasks of this thread from time to time. @throws TpError TP_ABORTED */
export async function mayPause(done: number, signal: AbortSignalLike | undefined): Promise<void> {
  if (done % CHUNK !== 0) return
  throwIfAborted(signal, 'data')
  await new Promise((resolve) => setTimeout(resolve))
}
