import type { Tensor } from '../expression/tensor.ts'
import type { Site } from '../method/site.ts'
import { and, cast, div, maximum, mul, not, sqrt, sum, sumSquare, where } from '../ops/index.ts'

/**
 * float [B,N]: Σ_h A_cls,j · ‖v_j‖, with the norm over all heads, as a share of the tokens that may be pruned: what the class
 * token gets from each. Others have a share, too, which is not among those that add up to 1.
 */
export function significance(site: Site): Tensor {
  // squares of half-precision values overflow; one axis at a time is what runtimes do fast
  const norm = sqrt(sum(sumSquare(cast(site.value, 'float32'), 3), 1))
  const score = mul(sum(site.clsAttention, 1), norm)
  const total = sum(where(and(site.attended, not(site.protectedTokens)), score, 0), 1, { keepDims: true })
  return div(score, maximum(total, 1e-30))
}
