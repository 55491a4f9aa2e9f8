import { checkOptions, type Method, type OptionSpecs } from '@tp/core'
import { bipartite } from './bipartite.ts'
import { runsOfNeighbors } from './runs.ts'
import { type TomeOptions, tomeOptions } from './tome.ts'

export interface ATomeOptions extends TomeOptions {
  /** Merges whole runs of neighbors that are alike, not only pairs (default false). */
  readonly runs?: boolean | undefined
}

export const aTomeOptions: OptionSpecs = {
  ...tomeOptions,
  runs: {
    description: 'merge whole runs of neighbors that are alike, not only pairs',
    type: 'boolean',
    default: false,
  },
}

/**
 * Merges neighbors that are alike, as frames of speech often are: ToMe's pairs, but a token joins the token before or
 * after it. Order is kept.
 *
 *   token i, with an even ordinal, joins the one of its two neighbors with the larger cosine of the means of the keys
 *   merged = Σ size · x / Σ size                                               [B,N,D] → [B,K,D]
 *
 * At most half of the tokens that may be pruned are. By a threshold t (of 1 − the cosine), pairs that are nearer than t are
 * merged. A-ToMe (Li et al., Interspeech 2023, arXiv:2306.16009).
 *
 * With `runs`, ours, a token joins the one before it, and what that has joined, so that any number of neighbors become one and any
 * amount can be pruned; by a threshold a run ends where two neighbors are farther apart than that.
 */
export function aTome(options: ATomeOptions = {}): Method {
  checkOptions('a-tome', aTomeOptions, options)
  const { proportionalAttention = true, runs = false } = options
  return Object.freeze<Method>({
    name: 'a-tome',
    family: 'hybrid',
    paper: { title: 'Accelerating Transducers through Adjacent Token Merging', arxiv: '2306.16009' },
    ...(!runs && { reduces: 'pair' as const }),
    signed: true,
    reduce(site) {
      if (site.budget === undefined) return { keep: site.attended }
      if (runs) {
        const { distance, startsAt } = runsOfNeighbors(site)
        const keep = site.budget.select(distance)
        return { keep, into: startsAt(keep), proportional: proportionalAttention }
      }
      const { distance, into } = bipartite(site, { neighbors: true })
      return { keep: site.budget.select(distance), into, proportional: proportionalAttention }
    },
  })
}
