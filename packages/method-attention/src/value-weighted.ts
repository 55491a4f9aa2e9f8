import {
  and,
  cast,
  div,
  maximum,
  mul,
  not,
  type Scorer,
  type Site,
  scorer,
  sqrt,
  sum,
  sumSquare,
  type Tensor,
  where,
} from '@tp/core'

/**
 * Keeps the tokens that contribute most to the class token: attention times the size of what is attended to.
 *
 *   score_j = a_j·‖v_j‖ / Σ_i a_i·‖v_i‖,   a = Σ over heads of A_cls          [B,H,N], [B,H,N,headDim] → [B,N]
 *
 * ‖v_j‖ is the norm over the values of all heads together; the sum is over the tokens that may be pruned. Needs a class
 * token. The significance score of ATS (Fayyaz et al., ECCV 2022, arXiv:2111.15667, eq. 3), as its code has it.
 */
export function valueWeighted(): Scorer {
  return scorer({
    name: 'value-weighted',
    family: 'attention',
    paper: { title: 'Adaptive Token Sampling For Efficient Vision Transformers', arxiv: '2111.15667' },
    score: significance,
  })
}

/** [B,N] share of each token in what the class token gets from the tokens that may be pruned. */
export function significance(site: Site): Tensor {
  // squares of half-precision values overflow; one axis at a time is what runtimes do fast
  const norm = sqrt(sum(sumSquare(cast(site.value, 'float32'), 3), 1))
  const score = mul(sum(site.clsAttention, 1), norm)
  const total = sum(where(and(site.attended, not(site.protectedTokens)), score, 0), 1, { keepDims: true })
  return div(score, maximum(total, 1e-30))
}
