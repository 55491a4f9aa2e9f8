import {
  abs,
  add,
  and,
  equal,
  less,
  mean,
  mostSimilar,
  not,
  type Reduction,
  type Site,
  sub,
  type Tensor,
  unitVectors,
  unsqueeze,
  where,
} from '@tp/core'
import { isOdd } from './counts.ts'
import { partnersInOrder } from './partners-in-order.ts'

/** Bipartite soft matching: tokens with even ordinals, each with the most similar token of odd ordinal. */
export interface Bipartite {
  /** float [B,N] from 0: how far each is from its partner, as 1 − cosine; far beyond for those that have none */
  readonly distance: Tensor
  /** bool [B,N]: tokens that may join their partner */
  readonly sources: Tensor
  /** float [B,N]: index of the partner */
  readonly into: Tensor
  /** float [B,N]: even ordinals first, then odd ones; equal keys keep their order */
  readonly order: NonNullable<Reduction['order']>
}

/** The inputs of matching. */
export type BipartiteSite = Pick<Site, 'ordinal' | 'attended' | 'protectedTokens' | 'index' | 'key' | 'leading'>

export interface BipartiteOptions {
  /** A partner stands next to its token. */
  readonly neighbors?: boolean
}

/** By the mean of the keys over heads [B,N,Dh] (Bolya et al., arXiv:2210.09461, section 3). Protected tokens have no part. */
export function bipartite(site: BipartiteSite, options: BipartiteOptions = {}): Bipartite {
  return site.leading === undefined ? byOrdinals(site, options) : byIndices(site, site.leading, options)
}

/** Where examples number their tokens differently: all cosines, with those that are not pairs masked. */
function byOrdinals(site: BipartiteSite, { neighbors = false }: BipartiteOptions): Bipartite {
  const { ordinal } = site
  const isSecond = isOdd(ordinal)
  const free = and(site.attended, not(site.protectedTokens))
  const sources = and(free, not(isSecond))
  const partners = and(free, isSecond)
  const isNext = equal(abs(sub(unsqueeze(ordinal, 2), unsqueeze(ordinal, 1))), 1) // [B,N,N]
  const { nearest, similarity } = mostSimilar(
    site,
    mean(site.key, 1),
    neighbors ? and(isNext, unsqueeze(partners, 1)) : partners,
  )
  return {
    distance: where(sources, sub(1, similarity), FAR),
    sources,
    into: nearest,
    order: where(isSecond, add(ordinal, LAST), ordinal),
  }
}

/**
 * Where ordinals are indices: the two halves are slices, so that a quarter of the cosines is computed, or those of neighbors alone. The pairs are the same.
 */
function byIndices({ index, key }: BipartiteSite, leading: number, options: BipartiteOptions): Bipartite {
  const { similarity, partner, spread } = partnersInOrder(unitVectors(mean(key, 1)), index, leading, options)
  const distance = spread(sub(1, similarity), FAR)
  const sources = less(distance, FAR)
  return { distance, sources, into: spread(partner, -1), order: where(sources, 0, 1) }
}

/** Farther than any token is from another. */
const FAR = 10
/** More than there are tokens; floats are exact beyond it. */
const LAST = 1e6
