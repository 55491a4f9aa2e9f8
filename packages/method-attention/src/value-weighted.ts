import { checkOptions, type NoOptions, type Scorer, scorer, significance } from '@tp/core'

/**
 * Keeps the tokens that contribute most to the class token: attention times the size of what is attended to.
 *
 *   score_j = a_j·‖v_j‖ / Σ_i a_i·‖v_i‖,   a = Σ over heads of A_cls          [B,H,N], [B,H,N,headDim] → [B,N]
 *
 * ‖v_j‖ is the norm over the values of all heads together; the sum is over the tokens that may be pruned. Needs a class
 * token. The significance score of ATS (Fayyaz et al., ECCV 2022, arXiv:2111.15667, eq. 3), as its code has it.
 */
export function valueWeighted(options: NoOptions = {}): Scorer {
  checkOptions('value-weighted', {}, options)
  return scorer({
    name: 'value-weighted',
    family: 'attention',
    paper: { title: 'Adaptive Token Sampling For Efficient Vision Transformers', arxiv: '2111.15667' },
    score: significance,
  })
}
