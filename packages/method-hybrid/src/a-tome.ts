import type { Method } from '@tp/core'
import { bipartite } from './bipartite.ts'
import type { TomeOptions } from './tome.ts'

/**
 * Merges neighbours that are alike, as frames of speech often are: ToMe's pairs, but a token joins the token before or
 * after it. Order is kept.
 *
 *   token i, with an even ordinal, joins the one of its two neighbours with the larger cosine of the means of the keys
 *   merged = Σ size · x / Σ size                                               [B,N,D] → [B,K,D]
 *
 * At most half of the tokens that may be pruned are. By a threshold t (of 1 − the cosine), pairs that are nearer than t are
 * merged. A-ToMe (Li et al., Interspeech 2023, arXiv:2306.16009).
 */
export function aTome({ proportionalAttention = true }: TomeOptions = {}): Method {
  return Object.freeze<Method>({
    name: 'a-tome',
    family: 'hybrid',
    paper: { title: 'Accelerating Transducers through Adjacent Token Merging', arxiv: '2306.16009' },
    reduces: 'pair',
    signed: true,
    reduce(site) {
      if (site.budget === undefined) return { keep: site.attended }
      const { distance, into } = bipartite(site, { neighbours: true })
      return { keep: site.budget.select(distance), into, proportional: proportionalAttention }
    },
  })
}
