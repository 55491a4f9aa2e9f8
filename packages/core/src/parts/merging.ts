import type { Tensor } from '../expression/tensor.ts'
import type { Reduction } from '../method/method.ts'
import type { Budget, Site } from '../method/site.ts'
import {
  add,
  and,
  argMax,
  cast,
  div,
  gatherND,
  matmul,
  max,
  maximum,
  mean,
  norm2,
  not,
  swapLast,
  unsqueeze,
  where,
} from '../ops/index.ts'

/** The most similar token of each token. */
export interface MostSimilar {
  /** float [B,N] index of it */
  readonly nearest: Tensor
  /** float [B,N] cosine of the angle between the two; below −1 without a candidate */
  readonly similarity: Tensor
}

/** Well below any cosine. */
const NONE = -4

/**
 * metric [B,N,C]; candidates bool [B,N], or those of each token [B,N,N]. Similarity is the cosine; of equals the first.
 */
export function mostSimilar({ index }: Pick<Site, 'index'>, metric: Tensor, candidates: Tensor): MostSimilar {
  const masked = add(cosinesOf(metric), where(candidates.rank === 3 ? candidates : unsqueeze(candidates, 1), 0, NONE))
  // Looked up and not cast: integers of 64 bits can only be indices on a GPU.
  return { nearest: gatherND(index, argMax(masked, 2, { keepDims: true }), 1), similarity: max(masked, 2) }
}

/** x [B,N,C] → float32, each of length 1. */
export function unitVectors(x: Tensor): Tensor {
  const wide = cast(x, 'float32')
  return div(wide, maximum(norm2(wide, 2, { keepDims: true }), 1e-12))
}

/** x [B,N,C] → float32 [B,N,N]: the cosine of the angle between each two of an example's tokens. */
export function cosinesOf(x: Tensor): Tensor {
  const unit = unitVectors(x)
  return matmul(unit, swapLast(unit))
}

/**
 * For every token the most similar kept one that is not protected. keep bool [B,N]; metric [B,N,C], by default the mean of the
 * keys over heads.
 */
export function nearestKept(site: Site, keep: Tensor, metric: Tensor = mean(site.key, 1)): MostSimilar {
  return mostSimilar(site, metric, and(and(keep, site.attended), not(site.protectedTokens)))
}

/**
 * Fuses all pruned tokens into one additional kept token: the best of them by score [B,N]. Where nothing is pruned there is no
 * such token.
 */
export function fuseRest({ index }: Site, budget: Budget, score: Tensor): Pick<Reduction, 'keep' | 'into'> {
  const kept = budget.select(score)
  const keep = budget.select(score, 1)
  const best = max(where(and(keep, not(kept)), index, -1), 1, { keepDims: true }) // [B,1]
  return { keep, into: where(kept, -1, best) }
}
