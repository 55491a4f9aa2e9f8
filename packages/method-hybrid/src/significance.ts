import { and, cast, div, maximum, mul, not, type Site, sqrt, sum, sumSquare, type Tensor, where } from '@tp/core'

/** float [B,N]: Σ_h A_cls,j · ‖v_j‖ (over all heads) as a fraction of the sum over the tokens that may be pruned; 0 for others. */
export function significance(site: Site): Tensor {
  // squares of half-precision values overflow; one axis at a time is what runtimes do fast
  const length = sqrt(sum(sumSquare(cast(site.value, 'float32'), 3), 1))
  const free = and(site.attended, not(site.protectedTokens))
  const score = where(free, mul(sum(site.clsAttention, 1), length), 0)
  return div(score, maximum(sum(score, 1, { keepDims: true }), 1e-30))
}
