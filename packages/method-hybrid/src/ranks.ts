import { axisSize, cast, squeeze, type Tensor, topK, unsqueeze, where } from '@tp/core'

/** Lower than any score. */
const LAST = -1e30

/** float [B,N]: rank of each candidate by score, from 0, the highest first; others come behind all candidates. */
export function ranks(score: Tensor, candidates: Tensor): Tensor {
  const tokens = axisSize(score, 1)
  const ranked = unsqueeze(where(candidates, score, LAST), 2)
  // which token is at each rank; sorted back, at which rank each token is
  const order = cast(topK(ranked, tokens, { axis: 1 }).indices, 'float32')
  return squeeze(cast(topK(order, tokens, { axis: 1, largest: false }).indices, 'float32'), 2)
}
