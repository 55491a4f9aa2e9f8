import {
  and,
  cast,
  ceil,
  clip,
  constant,
  cumSum,
  gather,
  greaterOrEqual,
  less,
  mul,
  not,
  softmax,
  straightThrough,
  sub,
  sum,
  type Tensor,
} from '@tp/core'

/** A number of tokens that is learned as a choice between all there are (DiffRate, arXiv:2305.17997, section 3.2). */
export interface CountChoice {
  /** float []: expectation of the choice */
  readonly expected: Tensor
  /** float []: the expectation, rounded up, with the gradient of the expectation */
  readonly count: Tensor
  /**
   * float [B,N]: 0 for ranks from the count up to `end` (float [B,1]), 1 for others; with the gradient of the probability
   * that a number is chosen which is larger than the rank. Where the count is not below `end`, it has no gradient.
   */
  mask(rank: Tensor, end: Tensor): Tensor
}

/** logits float [T], of the numbers T, T − 1, … 1. */
export function countChoice(logits: Tensor): CountChoice {
  const most = logits.dims[0] as number
  const probabilities = softmax(logits, 0)
  const numbers = constant(Array.from({ length: most }, (_, i) => most - i))
  const expected = sum(mul(probabilities, numbers), [0])
  const count = straightThrough(ceil(sub(expected, ROUNDING)), expected)
  const upTo = cumSum(probabilities, 0)
  return {
    expected,
    count,
    mask(rank, end) {
      const ordinal = clip(sub(most - 1, rank), 0, most - 1)
      const larger = gather(upTo, cast(ordinal, 'int64'), 0)
      const isCut = and(greaterOrEqual(rank, count), less(rank, end))
      return straightThrough(not(isCut), larger)
    },
  }
}

/** The number that is chosen, from logits that were learned. */
export function chosenCount(logits: ArrayLike<number>): number {
  const all = Array.from(logits)
  const largest = Math.max(...all)
  const weights = all.map((logit) => Math.exp(logit - largest))
  const total = weights.reduce((a, b) => a + b, 0)
  const expected = weights.reduce((sum, weight, i) => sum + (weight / total) * (all.length - i), 0)
  return Math.ceil(expected - ROUNDING)
}

/** An expectation that is a whole number may come out a little above it. */
const ROUNDING = 1e-4
