import type { Interval } from '@tp/metrics'

/** Whether a loss is within what is allowed: with its whole interval, with none of it, or with a part. */
export type Safety = 'safe' | 'unsafe' | 'not shown'

/**
 * Examples below which nothing but the same answers is called safe. A bootstrap of losses that are all 0 has no width; yet where none of n
 * examples lost all of its 100 points, 3 in n may (the rule of three), which is one point at 300.
 */
export const FEWEST_TO_BE_SAFE = 300

/** @param tolerance what may be lost, in the units of the loss */
export function safetyOf({ low, high }: Interval, tolerance: number, of: { count: number; same: boolean }): Safety {
  if (of.same || (high <= tolerance && of.count >= FEWEST_TO_BE_SAFE)) return 'safe'
  return low > tolerance ? 'unsafe' : 'not shown'
}

/** Whether vectors of length 1 are the same, but for rounding. */
export function areSame(first: readonly Float64Array[], second: readonly Float64Array[]): boolean {
  return first.every((vector, i) => vector.every((value, j) => Math.abs(value - (second[i]?.[j] as number)) < 1e-5))
}

/** Whether logits are the same, but for rounding. */
export function areSameLogits(first: ArrayLike<number>, second: ArrayLike<number>): boolean {
  if (first.length !== second.length) return false
  return Array.from(first).every((value, i) => {
    const other = second[i] as number
    return Math.abs(value - other) <= 1e-4 * Math.max(1, Math.abs(other))
  })
}
