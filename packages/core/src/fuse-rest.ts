import type { Budget, Reduction, Site } from './method.ts'
import { and, max, not, where } from './ops/index.ts'
import type { Tensor } from './tensor.ts'

/**
 * All that leaves joins one token more: the best of them (by score [B,N]) stays in place of all. Where nothing leaves
 * there is none.
 */
export function fuseRest({ index }: Site, budget: Budget, score: Tensor): Pick<Reduction, 'keep' | 'into'> {
  const kept = budget.select(score)
  const keep = budget.select(score, 1)
  const best = max(where(and(keep, not(kept)), index, -1), 1, { keepDims: true }) // [B,1]
  return { keep, into: where(kept, -1, best) }
}
