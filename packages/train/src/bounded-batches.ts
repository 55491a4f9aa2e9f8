import { batches, type ModelInputs } from '@tp/data/inputs'

/**
 * Tokens that go through a forward and a backward pass at once, padding included. Both passes keep what every layer computes: of
 * 6 layers of 12 heads 0.3 GB for one example of 512 tokens, and many small passes take less time than a large one.
 */
export const PASS_TOKENS = 1024

/**
 * How many examples go through a forward and a backward pass at once: with at most so many tokens, and as many pairs of tokens, which
 * attention keeps, as one example of half as many has.
 */
export function fittingPass(longest: number, tokens: number = PASS_TOKENS): number {
  return Math.max(1, Math.floor(Math.min(tokens / longest, (tokens / longest) ** 2 / 4)))
}

/** Pairs of tokens in a batch of a forward pass: two examples of 512 tokens. */
const MOST_PAIRS = 2 * 512 ** 2

/** How many examples go through a forward pass at once. */
export function fittingForward(longest: number): number {
  return Math.max(1, Math.floor(MOST_PAIRS / longest ** 2))
}

/**
 * Batches of similar lengths, of which long ones are divided further.
 * @param fitting how many examples of a length go at once, at least 1
 * @returns positions of the examples of each batch, each example once
 */
export function boundedBatches(
  { targets, lengths, padded }: Pick<ModelInputs, 'targets' | 'lengths' | 'padded'>,
  size: number,
  fitting: (longest: number) => number,
): number[][] {
  return batches(targets.length, { size, lengths, padded }).flatMap((rows) => {
    const longest = rows.reduce((most, row) => Math.max(most, lengths?.[row] ?? 0), 1)
    const fits = fitting(longest)
    return Array.from({ length: Math.ceil(rows.length / fits) }, (_, i) => rows.slice(i * fits, (i + 1) * fits))
  })
}
