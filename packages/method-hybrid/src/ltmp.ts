import {
  and,
  cast,
  equal,
  less,
  type Method,
  max,
  maximum,
  mul,
  not,
  type OptionSpecs,
  type Site,
  type Tensor,
  unsqueeze,
  where,
} from '@tp/core'
import { bipartite } from './bipartite.ts'

export interface LtmpOptions {
  /** Cosine of the keys above which two tokens are merged (default 0.9). */
  readonly merge?: number | undefined
}

export const ltmpOptions: OptionSpecs = {
  merge: { description: 'cosine of the keys above which two tokens are merged', type: 'number', default: 0.9 },
}

/**
 * Merges what is more similar than one threshold (ToMe's pairs), and of the rest drops what is less important than
 * another: the schedule's.
 *
 *   importance_j = mean over heads and real queries of A_ij; of a merged token the largest of its parts     [B,N]
 *
 * The logarithm of a token's size is added to all later scores of its key. The thresholds are given here, where the paper
 * learns one pair for each block. LTMP (Bonnaerens & Dambre, TMLR 2023, arXiv:2305.14009), its inference.
 */
export function ltmp({ merge = 0.9 }: LtmpOptions = {}): Method {
  return Object.freeze<Method>({
    name: 'ltmp',
    family: 'hybrid',
    paper: { title: 'Learned Thresholds Token Merging and Pruning for Vision Transformers', arxiv: '2305.14009' },
    reduce(site) {
      const { alive, budget, count } = site
      if (budget === undefined) return { keep: alive }
      const { distance, sources, into, order } = bipartite(site)
      const isNear = and(sources, less(distance, 1 - merge))
      // a row that may keep all its tokens keeps them
      const isMerged = budget.keep === undefined ? isNear : and(isNear, unsqueeze(less(budget.keep, count), 1))
      const target = where(isMerged, into, -1)
      const importance = maximum(site.received, largestOfParts(site, target))
      const left = budget.select(where(isMerged, 0, importance))
      return { keep: and(left, not(isMerged)), into: target, order, proportional: true }
    },
  })
}

/** float [B,N]: the most that one of those received which join a token; 0 where none does. target float [B,N] */
function largestOfParts({ index, received }: Site, target: Tensor): Tensor {
  const hits = equal(unsqueeze(target, 1), unsqueeze(index, 2)) // [B,token,part]
  return max(mul(cast(hits, 'float32'), unsqueeze(received, 1)), 2)
}
