import { type Interval, NORMAL, TAIL } from './interval.ts'
import { lossPValue } from './loss-p-value.ts'
import { type PairedCounts, scoreLimit } from './paired-score.ts'

/**
 * How much more often the first of two models is right than the second, −1 … 1, with its 95 % interval: Tango's score interval
 * (Statistics in Medicine 17, 1998), either limit moved out until the exact test ({@link lossPValue}) rejects what is beyond it,
 * so that it is missed with probability 2.5 % at most, however few the examples and rare the differences. Without a single
 * example on which they differ, 24 examples leave −14.5 … 14.5 points, and 1,000 leave −0.4 … 0.4.
 */
export function pairedDifference(counts: PairedCounts): Interval {
  const { examples, onlyFirst, onlySecond } = counts
  if (examples === 0) return { estimate: Number.NaN, low: -1, high: 1 }
  const mirrored = { examples, onlyFirst: onlySecond, onlySecond: onlyFirst }
  return { estimate: (onlyFirst - onlySecond) / examples, low: -highest(mirrored), high: highest(counts) }
}

/** The fewest examples whose answers can show a loss of at most `tolerance`: with all answers the same. Infinite for 0. */
export function fewestForLoss(tolerance: number): number {
  if (!(tolerance > 0)) return Number.POSITIVE_INFINITY
  if (tolerance >= 1) return 1
  let examples = Math.max(1, Math.floor((NORMAL ** 2 * (1 - tolerance)) / tolerance))
  while (highest({ examples, onlyFirst: 0, onlySecond: 0 }) > tolerance) examples++
  return examples
}

/** Where more answers differ, the score's limit and the exact one are the same to a hundredth of the interval's width. */
const FEW = 200

/** By so much of a standard deviation a limit is moved at a time. */
const STEP = 0.02

function highest(counts: PairedCounts): number {
  let [deviations, limit] = [NORMAL, scoreLimit(counts, NORMAL)]
  if (counts.onlyFirst + counts.onlySecond > FEW) return limit
  while (limit < 1 && lossPValue(counts, limit, TAIL) > TAIL) {
    deviations += STEP
    limit = scoreLimit(counts, deviations)
  }
  return limit
}
