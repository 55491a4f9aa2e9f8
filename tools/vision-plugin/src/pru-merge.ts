import {
  abs,
  add,
  and,
  axisSize,
  cast,
  checkOptions,
  equal,
  greater,
  greaterOrEqual,
  type Method,
  matmul,
  max,
  maximum,
  mean,
  min,
  minimum,
  mul,
  not,
  type OptionSpecs,
  or,
  type Site,
  sub,
  sum,
  swapLast,
  type Tensor,
  topK,
  unitVectors,
  unsqueeze,
  where,
} from '@tp/core'

export interface PruMergeOptions {
  /** How many removed tokens are merged into each kept one (default 32). */
  readonly neighbors?: number
}

export const pruMergeOptions: OptionSpecs = {
  neighbors: {
    type: 'integer',
    default: 32,
    min: 1,
    description: 'how many removed tokens are merged into each kept one',
  },
}

/** Beyond every attention, and every cosine. */
const BEYOND = 9

/**
 * Keeps the tokens that the class token attends to exceptionally much, and merges into each the removed ones most similar to it.
 *
 *   a_j = mean over heads of the class token's attention                                [B,H,N] → [B,N]
 *   kept: a_j > Q3 + 1.5 · (Q3 − Q1), quartiles over the tokens that are not protected; at least the best one
 *   merged: x_j + Σ a_i · x_i over the `neighbors` removed tokens i whose keys are most similar to that of j
 *
 * A removed token may join several kept ones, or none. The data decide how many are kept: at most as many as the schedule says.
 * Where a model restores tokens, merged ones come back with their own states. Needs a class token.
 *
 * LLaVA-PruMerge (Shang et al., arXiv:2403.15388, algorithm 1). The authors' code makes one token more of all that was removed;
 * it also attends with all heads as one.
 */
export function pruMerge(options: PruMergeOptions = {}): Method {
  checkOptions('pru-merge', pruMergeOptions, options)
  const { neighbors = 32 } = options
  return Object.freeze<Method>({
    name: 'pru-merge',
    family: 'attention',
    paper: {
      title: 'LLaVA-PruMerge: Adaptive Token Reduction for Efficient Large Multimodal Models',
      arxiv: '2403.15388',
    },
    adaptive: true,
    reduce(site) {
      const { attended, protectedTokens, budget } = site
      if (budget === undefined) return { keep: attended }
      const score = mean(site.clsAttention, 1)
      const free = and(attended, not(protectedTokens))
      const best = max(where(free, score, -1), 1, { keepDims: true })
      const exceptional = or(greater(score, upperFence(score, free, site)), equal(score, best))
      const keep = and(budget.select(score), exceptional)
      const removed = and(free, not(keep))
      return {
        keep,
        into: neighborsOf(site, and(keep, free), removed, neighbors),
        weight: score,
        merge: 'sum',
        mass: 'none',
      }
    },
  })
}

/** float [B,1]: Tukey's fence, Q3 + 1.5 · (Q3 − Q1) of the scores of free tokens. */
function upperFence(score: Tensor, free: Tensor, { index }: Pick<Site, 'index'>): Tensor {
  const count = sum(cast(free, 'float32'), 1, { keepDims: true })
  const { values } = topK(where(free, score, BEYOND), axisSize(score, 1), { axis: 1, largest: false })
  const quantile = (q: number): Tensor => {
    // Between two tokens by their distance from the quantile.
    const nearness = maximum(sub(1, abs(sub(index, mul(sub(count, 1), q)))), 0)
    return sum(mul(values, nearness), 1, { keepDims: true })
  }
  const [first, third] = [quantile(0.25), quantile(0.75)]
  return add(third, mul(sub(third, first), 1.5))
}

/** float [B,N,N]: 1 where the removed token i is one of the `count` most similar to the kept token j. */
function neighborsOf({ key }: Site, kept: Tensor, removed: Tensor, count: number): Tensor {
  const unit = unitVectors(mean(key, 1))
  const cosine = where(unsqueeze(removed, 1), matmul(unit, swapLast(unit)), -BEYOND) // [B,j,i]
  const { values } = topK(cosine, minimum(axisSize(cosine, 2), count), { axis: 2 })
  const isNear = greaterOrEqual(cosine, min(values, 2, { keepDims: true }))
  const joins = and(and(isNear, unsqueeze(removed, 1)), unsqueeze(kept, 2))
  return swapLast(cast(joins, 'float32'))
}
