import { axisSize, cast, greater, type OptionSpec, softmax, type Tensor, topK, unsqueeze, where } from '@tp/core'

/** Softmax over the keys that are left only, just as if the others had left. left float [B,N] */
export function attendTo(left: Tensor): (scores: Tensor) => Tensor {
  const shown = unsqueeze(greater(left, 0), [1, 2])
  return (scores) => softmax(where(shown, scores, -1e9), -1)
}

/** float [B,N]: place of each token by its score, from 0 for the highest; of equal ones the first is higher. */
export function ranksOf(score: Tensor): Tensor {
  const count = axisSize(score, 1)
  const order = topK(score, count, { axis: 1 }).indices
  // Sorting tokens by rank back into their own order gives each one's rank: the inverse permutation.
  return cast(topK(cast(order, 'float32'), count, { axis: 1, largest: false }).indices, 'float32')
}

/** A policy's samples of an example are compared with each other. */
export const samplesOption: OptionSpec = {
  description: 'how often each example is tried in a step while the policy learns',
  type: 'integer',
  min: 2,
  default: 8,
}
