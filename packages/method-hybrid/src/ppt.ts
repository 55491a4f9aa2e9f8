import {
  and,
  cast,
  checkOptions,
  div,
  greaterOrEqual,
  type Method,
  maximum,
  mul,
  not,
  type OptionSpecs,
  pow,
  significance,
  sub,
  sum,
  type Tensor,
  where,
} from '@tp/core'
import { bipartite } from './bipartite.ts'

export interface PptOptions {
  /** Variance of the scores from which on tokens are dropped; below, they are merged (default 7e-5). */
  readonly variance?: number | undefined
}

export const pptOptions: OptionSpecs = {
  variance: {
    description: 'variance of the scores from which on tokens are dropped; below, they are merged',
    type: 'number',
    min: 0,
    default: 7e-5,
  },
}

/**
 * Drops tokens in examples where few of them matter, merges them (as ToMe) in examples where all matter much the same.
 *
 *   score_j = Σ_h A_cls,j · ‖v_j‖, as a fraction of the sum over the tokens that may be pruned             [B,N]
 *   an example whose scores have at least the given variance drops those with the lowest
 *
 * Scores add up to 1, so their variance falls with the number of tokens: the default suits about 200. The logarithm of a
 * token's size is added to all later scores of its key. At most half of the tokens that may be pruned are. Needs a class token.
 * PPT (Wu et al., 2023, arXiv:2310.01812, section 3.3).
 *
 * With fixed thresholds, an example that may keep all its tokens merges none; otherwise equal to the published code.
 */
export function ppt(options: PptOptions = {}): Method {
  checkOptions('ppt', pptOptions, options)
  const { variance = 7e-5 } = options
  return Object.freeze<Method>({
    name: 'ppt',
    family: 'hybrid',
    paper: { title: 'PPT: Token Pruning and Pooling for Efficient Vision Transformers', arxiv: '2310.01812' },
    reduces: 'pair',
    signed: true,
    reduce(site) {
      const { attended, protectedTokens, budget } = site
      if (budget === undefined) return { keep: attended }
      const score = significance(site)
      const drops = greaterOrEqual(varianceOf(score, and(attended, not(protectedTokens))), variance) // [B,1]
      const { distance, into, order } = bipartite(site)
      return {
        keep: budget.select(where(drops, score, distance)),
        into: where(drops, -1, into),
        order: where(drops, site.ordinal, order),
        proportional: true,
      }
    },
  })
}

/** float [B,1]: unbiased variance of the candidates' scores [B,N]. */
function varianceOf(score: Tensor, candidates: Tensor): Tensor {
  const attended = cast(candidates, 'float32')
  const count = sum(attended, 1, { keepDims: true })
  const mean = div(sum(mul(score, attended), 1, { keepDims: true }), maximum(count, 1))
  const squares = mul(pow(sub(score, mean), 2), attended)
  return div(sum(squares, 1, { keepDims: true }), maximum(sub(count, 1), 1))
}
