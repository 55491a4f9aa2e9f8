import {
  add,
  and,
  cast,
  checkOptions,
  cosinesOf,
  div,
  floor,
  greaterOrEqual,
  iterate,
  less,
  max,
  maximum,
  minimum,
  mul,
  not,
  type OptionSpecs,
  ranks,
  type Scorer,
  scorer,
  sub,
  sum,
  unsqueeze,
  where,
} from '@tp/core'
import { freeTokens } from './added-one-by-one.ts'
import { isOdd } from './counts.ts'
import { type ImportanceOptions, importanceOf, importanceOption } from './image-importance.ts'

export interface VisPrunerOptions extends ImportanceOptions {
  /** Part of the kept tokens that are chosen by importance, from 0 to 1 (default 0.5). */
  readonly important?: number
}

export const visPrunerOptions: OptionSpecs = {
  importance: importanceOption,
  important: {
    type: 'number',
    default: 0.5,
    min: 0,
    max: 1,
    description: 'part of the kept tokens that are chosen by importance',
  },
}

/** Duplicates that are removed at once. */
const AT_ONCE = 8
/** Steps that remove fewer, since not many tokens are left: 7, 4, 2 and 1. */
const LAST_STEPS = 4
/** Below any cosine. */
const NONE = -4
/** Place of a token that is not in the list. */
const REMOVED = -1

/**
 * Keeps the most important tokens, and of the others those that are not duplicates.
 *
 *   a_i: the attention that a token receives; of K kept tokens ⌊K r⌋ have the largest a_i
 *   the others, in a list by a_i; until K are left:
 *     s_i = max_j cos(x_i, x_j),  i at even places of the list, j at odd ones
 *     the tokens with the 8 largest s_i are removed; the other even ones by s_i, and then the odd ones, are the next list
 *
 * Protected tokens are kept, and have no part in it. It needs a number of tokens: keep, tokens or remove. VisPruner (Zhang et al.,
 * ICCV 2025, arXiv:2412.01818, section 3), which compares tokens before the projector. At most half of an odd list is removed at once.
 *
 * Differs from the published code, which accepts only lists of even length; here the first half of an odd list has one token
 * more. It compares image tokens after the projector, as the file outputs them.
 */
export function visPruner(options: VisPrunerOptions = {}): Scorer {
  checkOptions('vis-pruner', visPrunerOptions, options)
  const { important = 0.5 } = options
  return scorer({
    name: 'vis-pruner',
    family: 'hybrid',
    paper: {
      title: 'Beyond Text-Visual Attention: Exploiting Visual Cues for Effective Token Pruning in VLMs',
      arxiv: '2412.01818',
    },
    score(site) {
      const { free, count } = freeTokens('vis-pruner', site)
      const rank = ranks(site, importanceOf(site, options), free)
      const first = floor(mul(count, important)) // [B,1]
      const isImportant = and(free, less(rank, first))
      const others = sub(sum(cast(free, 'float32'), 1, { keepDims: true }), first)
      const distinct = sub(count, first)
      const places = where(and(free, not(isImportant)), sub(rank, first), REMOVED)
      const cosines = cosinesOf(site.hidden)
      const surplus = max(sub(others, distinct), [0, 1])
      const steps = cast(add(div(surplus, AT_ONCE), 1 + LAST_STEPS), 'int64')
      const [left = places] = iterate(steps, [places, others], ([place = places, all = others]) => {
        const removed = maximum(minimum(minimum(sub(all, distinct), floor(div(all, 2))), AT_ONCE), 0)
        const isListed = greaterOrEqual(place, 0)
        const isSecond = and(isListed, isOdd(place))
        const isEven = and(isListed, not(isSecond))
        const likest = max(where(unsqueeze(isSecond, 1), cosines, NONE), 2)
        const order = ranks(site, likest, isEven)
        const odd = add(sub(sub(all, floor(div(all, 2))), removed), div(sub(place, 1), 2))
        const even = where(less(order, removed), REMOVED, sub(order, removed))
        return [where(isListed, where(isEven, even, odd), REMOVED), sub(all, removed)]
      })
      return where(isImportant, 2, cast(greaterOrEqual(left, 0), 'float32'))
    },
  })
}
