import {
  add,
  checkOptions,
  cosinesOf,
  div,
  max,
  maximum,
  min,
  mul,
  type OptionSpecs,
  type Scorer,
  scorer,
  sub,
  type Tensor,
  where,
} from '@tp/core'
import { addedOneByOne, freeTokens } from './added-one-by-one.ts'
import { type ImportanceOptions, importanceOf, importanceOption } from './image-importance.ts'

export interface IdPrunerOptions extends ImportanceOptions {
  /** Weight of importance against diversity, from 0 to 1 (default 0.5). */
  readonly balance?: number
}

export const idPrunerOptions: OptionSpecs = {
  importance: importanceOption,
  balance: { type: 'number', default: 0.5, min: 0, max: 1, description: 'weight of importance against diversity' },
}

/** Beyond any attention, and any cosine. */
const NONE = 9

/**
 * Keeps tokens that are important and unlike those that are kept already: maximal marginal relevance.
 *
 *   w_i = (a_i − min a) / (max a − min a + 10⁻⁶), a the attention that a token receives                        [B,N]
 *   first:  argmax_i w_i;   then, until there are enough:  argmax_i λ w_i − (1 − λ) max_{j chosen} cos(x_i, x_j)
 *
 * Protected tokens are kept, and have no part in it. It needs a number of tokens: keep, tokens or remove. The loop has a step for each
 * token that is kept. IDPruner (Tan et al., 2026, arXiv:2602.13315, section 4), whose importance is that of a network learned with the
 * model (VisionSelector); here it is attention, which needs no learning.
 */
export function idPruner(options: IdPrunerOptions = {}): Scorer {
  checkOptions('id-pruner', idPrunerOptions, options)
  const { balance = 0.5 } = options
  return scorer({
    name: 'id-pruner',
    family: 'hybrid',
    paper: {
      title: 'IDPruner: Harmonizing Importance and Diversity in Visual Token Pruning for MLLMs',
      arxiv: '2602.13315',
    },
    signed: true,
    score(site) {
      const tokens = freeTokens('id-pruner', site)
      const cosines = cosinesOf(site.hidden)
      const raw = importanceOf(site, options)
      const least = min(where(tokens.free, raw, NONE), 1, { keepDims: true })
      const most = max(where(tokens.free, raw, -NONE), 1, { keepDims: true })
      const important = div(sub(raw, least), add(sub(most, least), 1e-6))
      return addedOneByOne(tokens, site, {
        first: important,
        state: [sub(mul(site.index, 0), NONE)],
        next: ([likest], { rowOf }) => [maximum(likest as Tensor, rowOf(cosines))],
        gain: ([likest]) => sub(mul(important, balance), mul(likest as Tensor, 1 - balance)),
      })
    },
  })
}
