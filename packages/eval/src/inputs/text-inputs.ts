import { type AbortSignalLike, throwIfAborted, type ValueInfo } from '@tp/core/runtime'
import type { TextDataset } from '../datasets/dataset.ts'
import { hash } from './divide.ts'
import type { ModelInputs } from './model-inputs.ts'
import { type TokenRowsOptions, tokenRows } from './token-rows.ts'
import type { TextTokenizer } from './tokenizer.ts'

export interface TextOptions extends TokenRowsOptions {
  readonly signal?: AbortSignalLike | undefined
}

/**
 * Tokenises all texts once. Batches are padded to their longest row, or to the model's fixed length.
 * @throws TpError TP_TOKENIZER when the tokenizer has ids that the model has no embedding for
 */
export async function textInputs(
  dataset: TextDataset,
  inputs: readonly ValueInfo[],
  tokenizer: TextTokenizer,
  options: TextOptions = {},
): Promise<ModelInputs> {
  const form = tokenRows(inputs, tokenizer, options)
  const rows: Int32Array[] = []
  const preparationMs: number[] = []
  for (const example of dataset.examples) {
    await mayPause(rows.length, options.signal)
    const start = performance.now()
    const row = Int32Array.from(tokenizer.encode(await example.read(), form.maxTokens))
    preparationMs.push(performance.now() - start)
    form.check(row, example.source)
    rows.push(row)
  }
  return {
    source: dataset.source,
    targets: dataset.examples.map(({ label }) => label),
    lengths: rows.map((row) => row.length),
    preparationMs,
    keys: rows.map((row) => row.join(' ')).map(hash),
    notes: [],
    feeds: async (positions) => form.feeds(positions.map((position) => rows[position] as Int32Array)),
  }
}

const CHUNK = 64

/** Yields to other tasks of this thread from time to time. @throws TpError TP_ABORTED */
export async function mayPause(done: number, signal: AbortSignalLike | undefined): Promise<void> {
  if (done % CHUNK !== 0) return
  throwIfAborted(signal, 'eval')
  await new Promise((resolve) => setTimeout(resolve))
}
