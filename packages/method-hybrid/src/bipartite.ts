import {
  abs,
  add,
  and,
  equal,
  mean,
  mostSimilar,
  not,
  type Reduction,
  type Site,
  sub,
  type Tensor,
  unsqueeze,
  where,
} from '@tp/core'
import { isOdd } from './counts.ts'

/** Bipartite soft matching: tokens with even ordinals, each with the most similar token of odd ordinal. */
export interface Bipartite {
  /** float [B,N] from 0: how far each is from its partner, as 1 − cosine; far beyond for those that have none */
  readonly distance: Tensor
  /** bool [B,N]: tokens that may join their partner */
  readonly sources: Tensor
  /** float [B,N]: index of the partner */
  readonly into: Tensor
  /** float [B,N]: even ordinals first, then odd ones */
  readonly order: NonNullable<Reduction['order']>
}

/** What matching looks at. */
export type BipartiteSite = Pick<Site, 'ordinal' | 'attended' | 'protectedTokens' | 'index' | 'key'>

/**
 * By the mean of the keys over heads [B,N,Dh] (Bolya et al., arXiv:2210.09461, section 3). Protected tokens have no part.
 * `neighbours`: a partner stands next to its token.
 */
export function bipartite(
  site: BipartiteSite,
  { neighbours = false }: { readonly neighbours?: boolean } = {},
): Bipartite {
  const { ordinal } = site
  const isSecond = isOdd(ordinal)
  const free = and(site.attended, not(site.protectedTokens))
  const sources = and(free, not(isSecond))
  const partners = and(free, isSecond)
  const isNext = equal(abs(sub(unsqueeze(ordinal, 2), unsqueeze(ordinal, 1))), 1) // [B,N,N]
  const { nearest, similarity } = mostSimilar(
    site,
    mean(site.key, 1),
    neighbours ? and(isNext, unsqueeze(partners, 1)) : partners,
  )
  return {
    distance: where(sources, sub(1, similarity), FAR),
    sources,
    into: nearest,
    order: where(isSecond, add(ordinal, BEHIND), ordinal),
  }
}

/** Farther than any token is from another. */
const FAR = 10
/** More than there are tokens; floats are exact beyond it. */
const BEHIND = 1e6
