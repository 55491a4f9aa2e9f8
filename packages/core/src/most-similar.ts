import type { Site } from './method.ts'
import {
  add,
  argMax,
  cast,
  div,
  gatherND,
  matmul,
  max,
  maximum,
  norm2,
  swapLast,
  unsqueeze,
  where,
} from './ops/index.ts'
import type { Tensor } from './tensor.ts'

/** For each token its most similar one. */
export interface MostSimilar {
  /** float [B,N] index of it */
  readonly nearest: Tensor
  /** float [B,N] cosine of the angle between the two; below −1 where there is none */
  readonly similarity: Tensor
}

/** Lower than any cosine, by enough that none comes near. */
const NONE = -4

/**
 * metric [B,N,C]; candidates bool [B,N], or for each token its own [B,N,N]: by the cosine of the angle, of equals the first.
 */
export function mostSimilar({ index }: Pick<Site, 'index'>, metric: Tensor, candidates: Tensor): MostSimilar {
  const unit = unitVectors(metric)
  const cosines = matmul(unit, swapLast(unit)) // [B,N,N]
  const masked = add(cosines, where(candidates.rank === 3 ? candidates : unsqueeze(candidates, 1), 0, NONE))
  // Looked up and not cast: integers of 64 bits can only be indices on a GPU.
  return { nearest: gatherND(index, argMax(masked, 2, { keepDims: true }), 1), similarity: max(masked, 2) }
}

/** x [B,N,C] → float32, each of length 1. */
export function unitVectors(x: Tensor): Tensor {
  const wide = cast(x, 'float32')
  return div(wide, maximum(norm2(wide, 2, { keepDims: true }), 1e-12))
}
