import {
  add,
  and,
  cast,
  cumSum,
  div,
  gatherND,
  greaterOrEqual,
  less,
  lessOrEqual,
  max,
  maximum,
  minimum,
  mul,
  not,
  or,
  squeeze,
  sub,
  sum,
  topK,
  unsqueeze,
  where,
} from '../ops/index.ts'
import { type Amount, tenThousandths } from '../schedule.ts'
import type { Tensor } from '../tensor.ts'
import { fixedPlaces, fixedTokens, realTokens, type TokenState, tokenCount } from './state.ts'

/** Outranks any score. Only ever compared: added to scores it would swallow them. */
const ABOVE_ALL = 1e30

/**
 * Tokens that `amount` keeps of `count` (int64, any shape), as an integer expression; undefined where only the scores
 * decide. One formula for the rows (their real tokens) and for the rectangle (all tokens, padding included).
 */
export function keptTokens(count: Tensor, amount: Amount, fixed: number): Tensor | undefined {
  if (amount.kind === 'tokens') return minimum(count, Math.max(amount.value, fixed))
  if (amount.kind !== 'ratio') return undefined
  const kept = div(add(mul(count, tenThousandths(amount.value)), 9999), 10000)
  return fixed <= 1 ? kept : minimum(count, maximum(kept, fixed))
}

/**
 * score [B,N] → bool [B,N]: which tokens the schedule's rule keeps. Fixed tokens always, padding never, and at least one
 * real token of each row.
 */
export function select(score: Tensor, amount: Amount, state: TokenState, hidden: Tensor): Tensor {
  const { alive } = state
  const placed = state.fixed.length === 0 ? score : where(fixedPlaces(state), ABOVE_ALL, score)
  const ranked = alive === undefined ? placed : where(alive, placed, -ABOVE_ALL)
  if (amount.kind === 'threshold') {
    // where nothing reaches it, what comes next to it stays
    const passes = greaterOrEqual(ranked, minimum(max(ranked, 1, { keepDims: true }), amount.value))
    return alive === undefined ? passes : and(alive, passes)
  }
  const { indices } = topK(unsqueeze(ranked, [2]), tokenCount(hidden), { axis: 1 })
  const rank = ranks(indices, state, hidden)
  if (amount.kind === 'mass') {
    const fixed = fixedTokens(state)
    const free = alive === undefined ? not(fixed) : and(alive, not(fixed))
    const needed = maximum(tokensForMass(where(free, score, 0), indices, amount.value), 1)
    return or(fixed, and(free, lessOrEqual(rank, needed)))
  }
  const kept = keptTokens(realTokens(state, hidden), amount, state.fixed.length) as Tensor
  return lessOrEqual(rank, cast(kept, 'float32'))
}

/** float [B,N]: rank of each token, from 1; `order` int64 [B,N,1] names the token at each rank. */
function ranks(order: Tensor, { ordinals }: TokenState, hidden: Tensor): Tensor {
  // Sorting the tokens' own numbers back gives, for each token, the rank it came from: an inverse permutation in
  // which the sort's integer result only ever serves as an index (integer arithmetic would leave a GPU).
  const tokens = gatherND(ordinals, order, 1)
  const { indices } = topK(unsqueeze(tokens, [2]), tokenCount(hidden), { axis: 1, largest: false })
  return gatherND(ordinals, indices, 1)
}

/**
 * float [B,1]: up to which rank tokens must stay to hold the share `mass` of all scores.
 * score [B,N], not negative, 0 for tokens that do not count; `order` as in {@link ranks}.
 */
function tokensForMass(score: Tensor, order: Tensor, mass: number): Tensor {
  const sorted = gatherND(unsqueeze(score, [2]), order, 1)
  const upTo = cumSum(sorted, 1)
  const target = mul(max(upTo, 1, { keepDims: true }), mass)
  const needed = less(sub(upTo, sorted), target)
  return sum(squeeze(cast(needed, 'float32'), [2]), 1, { keepDims: true })
}
