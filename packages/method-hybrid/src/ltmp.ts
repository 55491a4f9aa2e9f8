import {
  type Amount,
  add,
  and,
  cast,
  checkOptions,
  div,
  equal,
  greater,
  type Learned,
  less,
  log,
  type Method,
  maskedSoftmax,
  matmul,
  max,
  maximum,
  mul,
  not,
  type OptionSpecs,
  receivedFrom,
  type Site,
  type Softened,
  type SoftSite,
  sigmoid,
  squeeze,
  straightThrough,
  sub,
  sum,
  type Tensor,
  unsqueeze,
  where,
} from '@tp/core'
import { bipartite } from './bipartite.ts'

export interface LtmpOptions {
  /** Cosine of the keys above which two tokens are merged, where none was learned (default 0.9). */
  readonly merge?: number | undefined
  /** How soft the thresholds are while they are learned (default 0.1). */
  readonly temperature?: number | undefined
}

export const ltmpOptions: OptionSpecs = {
  merge: {
    description: 'cosine of the keys above which two tokens are merged, where none was learned',
    type: 'number',
    default: 0.9,
  },
  temperature: { description: 'how soft the thresholds are while they are learned', type: 'number', default: 0.1 },
}

/**
 * Merges what is more similar than one threshold (ToMe's pairs), and of the rest drops what is less important than
 * another: the schedule's.
 *
 *   importance_j = mean over heads and attended queries of A_ij; of a merged token the largest of its parts     [B,N]
 *   learning: hard masks with the gradients of σ((cosine − θ_m) / T) and σ((importance − θ_p) / T)           [B,N]
 *
 * The logarithm of a token's size is added to all later scores of its key. LTMP (Bonnaerens & Dambre, TMLR 2023,
 * arXiv:2305.14009). While it learns, pruned tokens are left out of pairs and importances, so that the answer is the
 * one that they are pruned with; its code lets them.
 *
 * Differs from the published code: while it learns, its pruned tokens remain in the pairs and in the mean over query rows, and
 * 1e-5 is added to every key. With fixed thresholds, an example that may keep all its tokens merges none here.
 */
export function ltmp(options: LtmpOptions = {}): Method {
  checkOptions('ltmp', ltmpOptions, options)
  const { merge = 0.9, temperature = 0.1 } = options
  const params = { merge: { dims: [], init: merge, optional: true } } as const
  return Object.freeze<Method>({
    name: 'ltmp',
    family: 'hybrid',
    paper: { title: 'Learned Thresholds Token Merging and Pruning for Vision Transformers', arxiv: '2305.14009' },
    params,
    reduce(site) {
      const { attended, budget, count } = site
      if (budget === undefined) return { keep: attended }
      const { distance, sources, into, order } = bipartite(site)
      const least = site.param.merge ?? merge
      const isNear = and(sources, less(distance, typeof least === 'number' ? 1 - least : sub(1, least)))
      // an example that may keep all its tokens keeps them
      const isMerged = budget.keep === undefined ? isNear : and(isNear, unsqueeze(less(budget.keep, count), 1))
      const target = where(isMerged, into, -1)
      const importance = maximum(site.received, largestOfParts(site, site.received, target))
      const kept = budget.select(where(isMerged, 0, importance))
      return { keep: and(kept, not(isMerged)), into: target, order, proportional: true }
    },
    training: {
      params: { ...params, prune: { dims: [], init: 0, rate: 0.1 } },
      soften: (site) => softLtmp(site, temperature),
      harden: (learned) => new Map([...learned].map(([layer, values]) => [layer, thresholdOf(values)])),
    },
  })
}

/** In what the authors' training differs. */
export interface LtmpTraining {
  /**
   * bool [B,N]: tokens that are present, and whose rows importances are the mean of; default: those that earlier layers
   * kept. There: all.
   */
  readonly counted?: Tensor
  /** scores [B,H,N,N], left float [B,N]; default: {@link maskedSoftmax}. There: with a little for every key. */
  readonly attend?: (scores: Tensor, kept: Tensor) => Tensor
}

/** One site of the training. */
export function softLtmp(site: SoftSite, temperature: number, training: LtmpTraining = {}): Softened {
  const { counted = greater(site.kept, 0.5), attend = maskedSoftmax } = training
  const { kept: before, hidden, index, protectedTokens, param, carried } = site
  const there = greater(before, 0.5)
  const size = carried.size ?? site.size
  const ordinal = rankAmong(counted, where(protectedTokens, sub(index, FIRST), carried.order ?? index))
  const { distance, sources, into, order } = bipartite({
    ordinal,
    attended: there,
    protectedTokens,
    index,
    key: site.key,
  })
  const isAbove = (value: Tensor, threshold: Tensor | undefined): Tensor => {
    const soft = sigmoid(mul(sub(value, threshold as Tensor), 1 / temperature))
    return straightThrough(greater(soft, 0.5), soft)
  }
  const merges = isAbove(sub(1, distance), param.merge)
  const isMerged = and(sources, greater(merges, 0.5))
  const target = where(isMerged, into, -1)
  const received = receivedFrom(site.attention, cast(counted, 'float32'))
  const importance = maximum(received, largestOfParts(site, received, target))
  const passes = where(isMerged, sub(1, merges), isAbove(importance, param.prune))
  // The mask of a token that is there is that of this layer alone: the gradient goes to its thresholds only.
  const kept = site.obey(where(there, div(passes, maximum(before, 0.5)), 1))
  const now = mul(before, kept)

  const hits = cast(equal(unsqueeze(target, 1), unsqueeze(index, 2)), 'float32') // [B,token,part]
  const withParts = (x: Tensor): Tensor => add(x, matmul(hits, x)) // [B,N,·]
  const sizes = withParts(unsqueeze(size, 2))
  const logSize = unsqueeze(log(squeeze(sizes, 2)), [1, 2])
  return {
    kept,
    hidden: div(withParts(mul(hidden, unsqueeze(size, 2))), sizes),
    attend: (scores) => attend(add(scores, logSize), now),
    carry: { size: squeeze(sizes, 2), order },
  }
}

/** More than there are tokens. */
const FIRST = 1e6

/** float [B,N]: how many of those that are there stand before each token. order float [B,N] */
function rankAmong(there: Tensor, order: Tensor): Tensor {
  const isBefore = and(less(unsqueeze(order, 1), unsqueeze(order, 2)), unsqueeze(there, 1)) // [B,token,other]
  return sum(cast(isBefore, 'float32'), 2)
}

/** float [B,N]: the most that one of those received which join a token; 0 where none does. target float [B,N] */
function largestOfParts({ index }: Pick<Site, 'index'>, received: Tensor, target: Tensor): Tensor {
  const hits = equal(unsqueeze(target, 1), unsqueeze(index, 2)) // [B,token,part]
  return max(mul(cast(hits, 'float32'), unsqueeze(received, 1)), 2)
}

function thresholdOf({ prune }: Learned): Amount {
  return { kind: 'threshold', value: prune?.data[0] ?? 0 }
}
