import { and, argMax, type Budget, cast, constant, not, type Reduction, type Tensor, where } from '@tp/core'

/**
 * All that leaves joins one token more: the best of them (by score [B,N]) stays in place of all. Where nothing leaves
 * there is none.
 */
export function fuseRest(budget: Budget, score: Tensor): Pick<Reduction, 'keep' | 'into'> {
  const kept = budget.select(score)
  const keep = budget.select(score, 1)
  const best = argMax(cast(and(keep, not(kept)), 'float32'), 1, { keepDims: true }) // [B,1]
  return { keep, into: where(kept, constant(-1, 'int64'), best) }
}
