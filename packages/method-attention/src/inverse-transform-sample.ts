import {
  add,
  axisSize,
  cast,
  ceil,
  concat,
  cumSum,
  div,
  gatherElements,
  greater,
  less,
  max,
  maximum,
  min,
  minimum,
  mul,
  slice,
  sub,
  type Tensor,
  topK,
  unsqueeze,
  where,
} from '@tp/core'

/** Above every score; sorts what is not to be sampled to the end. */
const ABOVE_ALL = 1e30
/** Keeps a quotient defined where there is nothing to divide. */
const TINY = 1e-30

/**
 * Tokens hit by points that are spread evenly over the distribution of their scores.
 *
 * In ascending order of score, C is the cumulative sum, shifted and scaled so that the first token has 0 and the last 1.
 * The points run evenly from the smallest C above 0 to 1, and each hits the token with the nearest C. So the token with
 * the smallest score is never hit, and that with the largest always, if there is a point at all.
 *
 * A token is hit if a point lies between the midpoints to its two neighbors; how many points lie beyond a midpoint is a
 * formula, so examples may have different numbers of points and none is ever written down.
 *
 * @param score [B,N], not negative
 * @param candidates bool [B,N] tokens that can be hit
 * @param points float [B] whole numbers
 * @returns bool [B,N]
 */
export function inverseTransformSample(score: Tensor, candidates: Tensor, points: Tensor): Tensor {
  const tokens = axisSize(score, 1)
  const { values, indices: order } = topK(where(candidates, score, ABOVE_ALL), tokens, { axis: 1, largest: false })
  const sum = cumSum(where(less(values, ABOVE_ALL), values, 0), 1)
  const lowest = slice(sum, { axis: 1, start: 0, end: 1 })
  const cdf = div(sub(sum, lowest), maximum(sub(max(sum, 1, { keepDims: true }), lowest), TINY))

  const count = unsqueeze(points, 1) // [B,1]
  // One point alone lies at 1, where the most important token is.
  const start = where(greater(count, 1), min(where(greater(cdf, 0), cdf, 1), 1, { keepDims: true }), 1)
  const gaps = maximum(sub(count, 1), 0)
  const perUnit = div(gaps, maximum(sub(1, start), TINY))
  // Counted down from 1, and both ends by comparison alone, so that rounding cannot lose the first or last point.
  const pointsBeyond = (x: Tensor): Tensor => where(less(x, start), count, minimum(ceil(mul(sub(1, x), perUnit)), gaps))

  const next = concat([slice(cdf, { axis: 1, start: 1 }), slice(cdf, { axis: 1, start: -1 })], 1)
  const beyond = pointsBeyond(mul(add(cdf, next), 0.5))
  const from = concat([expandTo(count, cdf), slice(beyond, { axis: 1, start: 0, end: -1 })], 1)
  return inTokenOrder(greater(from, beyond), order)
}

/** [1,1] or [B,1] → [B,1] */
function expandTo(count: Tensor, rows: Tensor): Tensor {
  return add(mul(slice(rows, { axis: 1, start: 0, end: 1 }), 0), count)
}

/** bool [B,N] by rank → by token; `order` int64 [B,N] names the token at each rank. */
function inTokenOrder(byRank: Tensor, order: Tensor): Tensor {
  // The sort's integers only serve as indices: arithmetic on them would move data off the GPU.
  const ones = cast(less(cast(byRank, 'float32'), 2), 'float32')
  const { indices: rankOf } = topK(gatherElements(cumSum(ones, 1), order, 1), axisSize(ones, 1), {
    axis: 1,
    largest: false,
  })
  return greater(gatherElements(cast(byRank, 'float32'), rankOf, 1), 0)
}
