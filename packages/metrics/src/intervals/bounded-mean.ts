import { type Interval, TAIL, turningPoint } from './interval.ts'

/**
 * Mean of numbers in 0 … 1 with a 95 % interval that is missed on either side with probability 2.5 % at most, whatever their
 * distribution and however few there are. A mean of m or more is ruled out where betting against it has won enough: from 1, the
 * stake
 *
 *     E = ∏ (1 − λ(xᵢ − m))
 *
 * comes to 1 or less on average if the mean is m or more, so that it reaches 1 / 2.5 % with probability 2.5 % at most (Markov).
 * λ depends on m and the number of examples alone: it is the best bet if the variance is half the largest that a mean of m can have,
 * and at most 0.95 / (1 − m), so that no single example loses all. Waudby-Smith and Ramdas, Estimating means of bounded random variables
 * by betting, JRSS B 86, 2024. With nothing but zeros the upper end is hardly above the exact one of a share.
 */
export function boundedMean(values: readonly number[]): Interval {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  if (values.length === 0) return { estimate: mean, low: 0, high: 1 }
  const mirrored = values.map((value) => 1 - value)
  return { estimate: mean, low: 1 - highest(mirrored, 1 - mean), high: highest(values, mean) }
}

/** Whether a mean of so much or more is ruled out. */
export function isMeanBelow(values: readonly number[], bound: number): boolean {
  if (bound >= 1) return true
  const bet = betOn(bound, values.length)
  return values.reduce((sum, value) => sum + Math.log1p(bet * (bound - value)), 0) >= -Math.log(TAIL)
}

/** The fewest numbers that can show it: so many zeros. Infinite for a bound of 0. */
export function fewestForMean(bound: number): number {
  if (!(bound > 0)) return Number.POSITIVE_INFINITY
  let count = 1
  while (bound < 1 && count * Math.log1p(betOn(bound, count) * bound) < -Math.log(TAIL)) count++
  return count
}

function highest(values: readonly number[], mean: number): number {
  return turningPoint(Math.min(1, mean), 1, (bound) => isMeanBelow(values, bound))
}

function betOn(bound: number, count: number): number {
  const variance = (bound * (1 - bound)) / 2
  return Math.min(0.95 / (1 - bound), Math.sqrt((-2 * Math.log(TAIL)) / (count * variance)))
}
