import {
  and,
  cast,
  checkOptions,
  div,
  floor,
  less,
  type Method,
  matmul,
  mean,
  mostSimilar,
  mul,
  not,
  type OptionSpecs,
  ranks,
  type Site,
  squeeze,
  sub,
  sum,
  type Tensor,
  unsqueeze,
  where,
} from '@tp/core'
import { isOdd, prunedCount } from './counts.ts'

export interface ZeroTpruneOptions {
  /** Steps of the walk over the attention graph (default 5). */
  readonly steps?: number | undefined
  /** Of the tokens that a layer prunes, the fraction pruned for similarity to others, not for unimportance (default 0.5). */
  readonly similar?: number | undefined
}

export const zeroTpruneOptions: OptionSpecs = {
  steps: { description: 'steps of the walk over the attention graph', type: 'integer', min: 1, max: 100, default: 5 },
  similar: {
    description:
      'of the tokens that a layer prunes, the fraction pruned for similarity to others; the rest are unimportant',
    type: 'number',
    min: 0,
    max: 1,
    default: 0.5,
  },
}

/**
 * Drops unimportant tokens, by a weighted PageRank on the graph of attention, and then tokens similar to a kept one.
 *
 *   s ← Aᵀ s, from equal shares, A = mean over heads of the attention, as often as `steps` says      [B,N]
 *   of the kept ones, sorted by s, every second one is a candidate; it is pruned if its key is like one of the others
 *
 * Protected tokens are left out of the second step. By fractions of the pruned tokens instead of a threshold for each.
 * Zero-TPrune (Wang et al., CVPR 2024, arXiv:2305.17328, section 3); no official code, so compared with none.
 */
export function zeroTprune(options: ZeroTpruneOptions = {}): Method {
  checkOptions('zero-tprune', zeroTpruneOptions, options)
  const { steps = 5, similar = 0.5 } = options
  return Object.freeze<Method>({
    name: 'zero-tprune',
    family: 'hybrid',
    paper: {
      title:
        'Zero-TPrune: Zero-Shot Token Pruning through Leveraging of the Attention Graph in Pre-Trained Transformers',
      arxiv: '2305.17328',
    },
    signed: true,
    reduce(site) {
      const { attended, protectedTokens, budget, count } = site
      if (budget === undefined) return { keep: attended }
      const many = prunedCount('zero-tprune', site)
      const free = and(attended, not(protectedTokens))
      const rank = ranks(site, pageRank(site, steps), free)
      const unimportant = sub(many, floor(mul(many, similar)))
      const candidates = sub(
        sub(unsqueeze(count, 1), sum(cast(protectedTokens, 'float32'), 1, { keepDims: true })),
        unimportant,
      )
      const kept = and(free, less(rank, candidates))
      const isSource = isOdd(rank)
      const { similarity } = mostSimilar(site, mean(site.key, 1), and(kept, not(isSource)))
      // unimportant ones first, then sources by likeness, then the others by rank
      const score = where(kept, where(isSource, sub(OTHERS, similarity), sub(UNLIKE, rank)), sub(UNIMPORTANT, rank))
      return { keep: budget.select(score) }
    },
  })
}

/** Bases of scores, far enough apart for ranks and cosines; floats hold whole numbers exactly up to 2^24. */
const UNIMPORTANT = 0
const OTHERS = 10
const UNLIKE = 1e6

/** float [B,N]: shares of importance after some steps along the attention, from equal ones. */
function pageRank({ attended, attention }: Site, steps: number): Tensor {
  const graph = mean(attention, 1) // [B,N,N]
  const one = cast(attended, 'float32')
  let share = unsqueeze(div(one, sum(one, 1, { keepDims: true })), 1)
  for (let step = 0; step < steps; step++) share = matmul(share, graph)
  return squeeze(share, 1)
}
