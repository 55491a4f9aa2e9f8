import { add, and, cast, floor, less, type Method, mean, mul, not, type OptionSpecs, ranks, sub, where } from '@tp/core'
import { leaving } from './leaving.ts'
import { nearestKept } from './nearest-kept.ts'

export interface DiffrateOptions {
  /** Share of the tokens that leave a block that are dropped, the least important ones; the others are merged (default 0.5). */
  readonly pruned?: number | undefined
}

export const diffrateOptions: OptionSpecs = {
  pruned: {
    description: 'share of the tokens that leave a block that are dropped; the others are merged',
    type: 'number',
    min: 0,
    max: 1,
    default: 0.5,
  },
}

/**
 * Sorts tokens by how much the class token attends to them, drops the last, and merges the next into the most similar
 * ones that stay.
 *
 *   score_j = mean over heads of softmax(q_cls · Kᵀ / √Dh)_j                                [B,H,N] → [B,N]
 *   a merged token joins the one that stays with the largest cosine of the states           [B,N,D]
 *   merged = mean of all that are in it;   size = own size + Σ size_i · cosine_i            [B,K]
 *
 * The logarithm of the size is added to all later scores of its key. What each block drops and merges is given here, where
 * the paper learns it. Needs a class token. DiffRate (Chen et al., ICCV 2023, arXiv:2305.17997), its inference.
 */
export function diffrate({ pruned = 0.5 }: DiffrateOptions = {}): Method {
  return Object.freeze<Method>({
    name: 'diffrate',
    family: 'hybrid',
    paper: {
      title: 'DiffRate: Differentiable Compression Rate for Efficient Vision Transformers',
      arxiv: '2305.17997',
    },
    reduce(site) {
      const { alive, budget, size } = site
      if (budget === undefined) return { keep: alive }
      const many = leaving('diffrate', site)
      const score = mean(site.clsAttention, 1)
      const keep = budget.select(score)
      const { nearest, similarity } = nearestKept(site, keep, site.hidden)
      const leaves = and(alive, not(keep))
      // of those that leave the first are merged
      const merged = sub(many, floor(add(mul(many, pruned), 0.5)))
      const isMerged = less(ranks(site, score, leaves), merged)
      return {
        keep,
        into: where(isMerged, nearest, -1),
        weight: cast(alive, 'float32'),
        mass: where(keep, size, mul(size, similarity)),
        proportional: true,
      }
    },
  })
}
