import { lowerBound, upperBound } from '@tp/core/statistics'
import { type Interval, TAIL } from './interval.ts'

/**
 * A share of examples with its exact 95 % interval: each end is missed with probability 2.5 % at most, whatever the true share
 * and however few examples there are; 24 right of 24 leave 85.8 … 100 %, 1 of 1 leaves 2.5 … 100 %. Clopper and Pearson,
 * Biometrika 26, 1934. Wilson's score interval is narrower (20.7 … 100 % for 1 of 1) and right on average over true shares, but
 * misses those near 0 and 1 in up to a sixth of the cases (Brown, Cai and DasGupta, Statistical Science 16, 2001), and near 1 is
 * where accuracies are.
 */
export function proportionInterval(successes: number, trials: number): Interval {
  if (trials === 0) return { estimate: Number.NaN, low: 0, high: 1 }
  return {
    estimate: successes / trials,
    low: lowerBound(successes, trials, 1 - TAIL),
    high: upperBound(successes, trials, 1 - TAIL),
  }
}
