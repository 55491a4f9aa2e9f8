import {
  and,
  cast,
  checkOptions,
  countedAmounts,
  greaterOrEqual,
  type Method,
  type NoOptions,
  not,
  or,
  significance,
  sub,
  sum,
  TpError,
  unsqueeze,
} from '@tp/core'
import { inverseTransformSample } from './inverse-transform-sample.ts'

/**
 * Keeps the tokens hit by points sampled evenly from the distribution of the value-weighted score: as many as the
 * schedule keeps, but several points may hit one token, so an example with few important tokens keeps fewer.
 *
 * Needs a class token, and a schedule by ratio or tokens. An example that may keep all its tokens keeps them. Adaptive token
 * sampling (Fayyaz et al., ECCV 2022, arXiv:2111.15667, section 3.2), with the points of the authors' code.
 *
 * Differs from the published code: pruned tokens take part in the sampling there, with a score of 0; here only unprotected
 * attended tokens do. It uses at least 8 points; here as many as the schedule keeps, without protected tokens, and a single
 * point hits the most important token. The paper has points at (2k − 1)/2K and a score for each head.
 */
export function ats(options: NoOptions = {}): Method {
  checkOptions('ats', {}, options)
  return Object.freeze<Method>({
    name: 'ats',
    family: 'attention',
    paper: { title: 'Adaptive Token Sampling For Efficient Vision Transformers', arxiv: '2111.15667' },
    reduce(site) {
      const { budget, attended, protectedTokens } = site
      if (budget === undefined) return { keep: attended }
      const { keep } = budget
      if (keep === undefined) {
        throw new TpError(
          'TP_SCHEDULE',
          'ats',
          `it samples as many points as the schedule says; give ${countedAmounts()}`,
        )
      }
      const points = sub(keep, sum(cast(protectedTokens, 'float32'), 1))
      const hit = inverseTransformSample(significance(site), and(attended, not(protectedTokens)), points)
      const isAll = unsqueeze(greaterOrEqual(keep, site.count), 1)
      return { keep: or(or(protectedTokens, hit), isAll) }
    },
  })
}
