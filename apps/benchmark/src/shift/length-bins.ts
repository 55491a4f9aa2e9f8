import { TpError } from '@tp/core'

/** Examples of similar length. */
export interface LengthBin {
  /** Tokens of the shortest and of the longest. */
  readonly shortest: number
  readonly longest: number
  /** Positions, ascending. */
  readonly examples: readonly number[]
}

/**
 * Divides examples by their length into bins of about equal size, the shortest first. Examples of one length are in
 * one bin, so there may be fewer bins than asked for.
 * @param lengths tokens of each example
 * @throws TpError TP_OPTION
 */
export function lengthBins(lengths: readonly number[], bins: number): LengthBin[] {
  if (!Number.isInteger(bins) || bins < 1 || lengths.length === 0) {
    throw new TpError(
      'TP_OPTION',
      'benchmark',
      `${bins} length bins of ${lengths.length} examples; give 1 or more of both`,
    )
  }
  const sorted = lengths.toSorted((a, b) => a - b)
  const longest = Array.from(
    { length: bins },
    (_, bin) => sorted[Math.ceil(((bin + 1) * sorted.length) / bins) - 1] as number,
  )
  return [...new Set(longest)].map((limit, bin, limits) => {
    const above = limits[bin - 1] ?? Number.NEGATIVE_INFINITY
    const examples = lengths.flatMap((length, i) => (length > above && length <= limit ? [i] : []))
    return { shortest: Math.min(...examples.map((i) => lengths[i] as number)), longest: limit, examples }
  })
}
