import { batches, type ModelInputs } from '@tp/eval/inputs'

/** Pairs of tokens in a batch: two examples of 512 tokens. */
const MOST_PAIRS = 2 * 512 ** 2

/**
 * Batches of similar lengths for a forward and a backward pass, which keeps the attention of every layer: 6 layers of 12 heads take
 * 7 GB for 16 examples of 512 tokens. So a batch has no more pairs of tokens than {@link MOST_PAIRS}; one example always goes.
 * @returns positions of the examples of each batch, each example once
 */
export function boundedBatches(
  { targets, lengths }: Pick<ModelInputs, 'targets' | 'lengths'>,
  size: number,
): number[][] {
  return batches(targets.length, size, lengths).flatMap((rows) => {
    const longest = rows.reduce((most, row) => Math.max(most, lengths?.[row] ?? 0), 1)
    const fits = Math.max(1, Math.floor(MOST_PAIRS / longest ** 2))
    return Array.from({ length: Math.ceil(rows.length / fits) }, (_, i) => rows.slice(i * fits, (i + 1) * fits))
  })
}
