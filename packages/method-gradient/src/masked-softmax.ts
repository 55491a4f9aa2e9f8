import { cast, div, exp, greater, max, maximum, minimum, mul, sub, sum, type Tensor, unsqueeze, where } from '@tp/core'

/**
 * Attention to what is left: p_ij = e_ij·m_j / Σ_k e_ik·m_k with e = exp(scores). Where m is 0 or 1 these are the
 * probabilities after the tokens with 0 have left.
 *
 * e is taken relative to the largest score that is left in its row, and is at most 1: what has left may have had any
 * score, and would get a gradient as large as exp of that; this way it gets at most that of the best that is left.
 *
 * @param scores [B,H,N,N]
 * @param left float [B,N] 0 … 1
 */
export function maskedSoftmax(scores: Tensor, left: Tensor): Tensor {
  const keys = unsqueeze(left, [1, 2])
  const largest = max(where(greater(keys, 0), scores, LOWEST), 3, { keepDims: true })
  const weights = mul(exp(minimum(sub(scores, largest), 0)), cast(keys, scores.dtype))
  return div(weights, maximum(sum(weights, 3, { keepDims: true }), TINY))
}

/** Below any score. */
const LOWEST = -1e30
/** Only where nothing is left: no attention instead of 0 / 0. */
const TINY = 1e-9
