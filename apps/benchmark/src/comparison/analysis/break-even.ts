import type { Speedup } from '@tp/eval/metrics'

/** A speed-up at a number of tokens. */
export interface AtLength {
  readonly tokens: number
  readonly speedup: Speedup
}

/**
 * The least measured length from which on something is faster for certain: the interval of its speed-up is above 1 there
 * and at every greater length. Undefined if it is not at the greatest.
 */
export function breakEven(times: readonly AtLength[]): number | undefined {
  const descending = times.toSorted((a, b) => b.tokens - a.tokens)
  let least: number | undefined
  for (const { tokens, speedup } of descending) {
    if (!(speedup.low > 1)) break
    least = tokens
  }
  return least
}
