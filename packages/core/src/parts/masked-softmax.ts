import type { Tensor } from '../expression/tensor.ts'
import {
  cast,
  div,
  exp,
  greater,
  max,
  maximum,
  minimum,
  mul,
  softmax,
  sub,
  sum,
  unsqueeze,
  where,
} from '../ops/index.ts'

/**
 * Attention to the kept tokens: p_ij = e_ij·m_j / Σ_k e_ik·m_k, with e = exp(scores) relative to the largest score of a kept
 * token in its row, and at most 1. Where m is 0 or 1, these are the probabilities after the tokens with 0 are removed.
 *
 * @param scores [B,H,N,N]
 * @param left float [B,N] 0 … 1
 */
export function maskedSoftmax(scores: Tensor, kept: Tensor): Tensor {
  const mask = unsqueeze(kept, [1, 2])
  const largest = max(where(greater(mask, 0), scores, LOWEST), 3, { keepDims: true })
  // A removed token may have any score: without the limit its exp, and the mask's gradient, could overflow.
  const weights = mul(exp(minimum(sub(scores, largest), 0)), cast(mask, scores.dtype))
  return div(weights, maximum(sum(weights, 3, { keepDims: true }), TINY))
}

/**
 * The same for masks of 0 and 1 through which nothing is learned: one softmax.
 *
 * @param scores [B,H,N,N]
 * @param left float [B,N] 0 or 1
 */
export function softmaxOfKept(scores: Tensor, kept: Tensor): Tensor {
  return softmax(where(unsqueeze(greater(kept, 0.5), [1, 2]), scores, GONE))
}

/** A score so low that its probability is 0. */
const GONE = -1e9
/** Lower than any score. */
const LOWEST = -1e30
/** For rows without kept tokens: no attention instead of 0 / 0. */
const TINY = 1e-9
