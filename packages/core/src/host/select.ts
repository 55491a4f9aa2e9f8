import type { Tensor } from '../expression/tensor.ts'
import { type AmountKind, tenThousandths } from '../method/amount-rules.ts'
import type { Amount } from '../method/schedule.ts'
import {
  add,
  and,
  cast,
  cumSum,
  div,
  gatherND,
  greater,
  greaterOrEqual,
  less,
  lessOrEqual,
  max,
  maximum,
  minimum,
  mul,
  not,
  squeeze,
  sub,
  sum,
  topK,
  unsqueeze,
  where,
} from '../ops/index.ts'
import { type SiteValues, sortable } from './not-a-number.ts'
import {
  attendedTokens,
  countTokens,
  hasProtected,
  protectedMask,
  protectedPositions,
  type TokenState,
  tokenCount,
} from './state.ts'

/** Outranks any score. Only for comparisons: a score added to it would be rounded away. */
const ABOVE_ALL = 1e30

/** How many tokens are kept at a site: the schedule's amount, and its limits. */
export interface SelectionRule {
  readonly amount: Amount
  /** Number of protected tokens; int32 [B,1] where it differs from example to example. */
  readonly protectedTokens: number | Tensor
  /** An example keeps at least so many tokens, besides those set aside, or all that it has; absent: no such limit. */
  readonly least?: number | undefined
  /** At most half of the unprotected tokens are pruned. */
  readonly pairs: boolean
}

/**
 * Tokens that a rule keeps of `count` (integers, any shape), as an integer expression; undefined where only the scores
 * decide. One formula for the examples (their real tokens) and for the rectangle (all tokens, padding included).
 */
export function keptTokens(count: Tensor, rule: SelectionRule, extra = 0): Tensor | undefined {
  const scheduled = scheduledTokens(count, rule)
  if (scheduled === undefined) return undefined
  const pruned = rule.pairs ? div(maximum(sub(count, rule.protectedTokens), 0), 2) : undefined
  const kept = pruned === undefined ? scheduled : maximum(scheduled, sub(count, pruned))
  return extra === 0 ? kept : minimum(count, add(kept, extra))
}

/**
 * int32 [B,1] (int64 [1] without padding): how many tokens a rule keeps of each example. Those that are set aside are kept besides,
 * and the rule is about the others.
 */
export function keptOfEach(state: TokenState, hidden: Tensor, rule: SelectionRule, extra = 0): Tensor | undefined {
  const count = attendedTokens(state, hidden)
  if (state.aside === undefined) return keptTokens(count, rule, extra)
  const isAside = greater(state.aside, 0)
  const aside = countTokens(state.attended === undefined ? isAside : and(state.attended, isAside))
  const others = { ...rule, protectedTokens: sub(rule.protectedTokens as Tensor, aside) }
  // Without padding the count is int64 [1].
  const kept = keptTokens(sub(cast(count, 'int32'), aside), others, extra)
  return kept && add(kept, aside)
}

function scheduledTokens(count: Tensor, { amount, protectedTokens, least = 0 }: SelectionRule): Tensor | undefined {
  const rule = rules[amount.kind]
  // Protected tokens are a least number, too.
  return 'count' in rule ? rule.count(count, amount.value, atLeast(protectedTokens, least)) : undefined
}

/** How a graph computes a rule: from the number of tokens (integers, any shape), or by the scores, bool [B,N]. */
type GraphRule =
  | { readonly count: (count: Tensor, value: number, least: number | Tensor) => Tensor }
  | { readonly choose: (tokens: RankedTokens, value: number) => Tensor }

/** The values by which tokens of a site can be chosen. */
interface RankedTokens {
  /** bool [B,N]: scores of at least `threshold`, or where none reaches it the highest */
  passing(threshold: number): Tensor
  /** bool [B,N]: the fewest that hold the share `mass` of the scores */
  heaviest(mass: number): Tensor
}

const rules: Readonly<Record<AmountKind, GraphRule>> = {
  ratio: {
    count(count, value, least) {
      const kept = div(add(mul(count, tenThousandths(value)), 9999), 10000)
      return least === 0 || least === 1 ? kept : minimum(count, maximum(kept, least))
    },
  },
  tokens: { count: (count, value, least) => minimum(count, atLeast(least, value)) },
  remove: {
    count: (count, value, least) => maximum(sub(count, value), minimum(count, atLeast(least, 1))),
  },
  threshold: { choose: (tokens, value) => tokens.passing(value) },
  mass: { choose: (tokens, value) => tokens.heaviest(value) },
}

function atLeast(count: number | Tensor, least: number): number | Tensor {
  if (typeof count === 'number') return Math.max(count, least)
  return least === 0 ? count : maximum(count, least)
}

export interface SelectOptions {
  readonly rule: SelectionRule
  readonly state: TokenState
  /** [B,N,D] */
  readonly hidden: Tensor
  /** The values that the score was computed from. */
  readonly siteValues: SiteValues
  /** This many of the next best tokens are kept, too. */
  readonly extra?: number
}

/**
 * score [B,N] → bool [B,N]: which tokens a rule keeps. Protected tokens always, padding never, and at least one real token of
 * each example. NaN ranks last.
 */
export function select(scores: Tensor, { rule, state, hidden, siteValues, extra = 0 }: SelectOptions): Tensor {
  const score = sortable(scores, siteValues)
  const { attended } = state
  const { amount } = rule
  const placed = hasProtected(state) ? where(protectedPositions(state), ABOVE_ALL, score) : score
  const ranked = attended === undefined ? placed : where(attended, placed, -ABOVE_ALL)
  const ofThem = (chosen: Tensor): Tensor => (attended === undefined ? chosen : and(attended, chosen))
  const ranking = once(() => {
    const { indices } = topK(unsqueeze(ranked, [2]), tokenCount(hidden), { axis: 1 })
    return { indices, rank: ranks(indices, state, hidden) }
  })
  const graphRule = rules[amount.kind]
  if ('count' in graphRule) {
    const kept = keptOfEach(state, hidden, rule, extra) as Tensor
    return lessOrEqual(ranking().rank, cast(kept, 'float32'))
  }
  // where no score reaches the threshold, the token nearest to it is kept
  const passing = (threshold: number): Tensor =>
    ofThem(greaterOrEqual(ranked, minimum(max(ranked, 1, { keepDims: true }), threshold)))
  // NaN counts as 0.
  const weights = score === scores ? score : maximum(score, 0)
  const heaviestOf = (mass: number): Tensor => heaviest(weights, ranking().rank, ranking().indices, mass, state)
  const chosen = graphRule.choose({ passing, heaviest: heaviestOf }, amount.value)
  if (extra === 0) return chosen
  return ofThem(lessOrEqual(ranking().rank, add(sum(cast(chosen, 'float32'), 1, { keepDims: true }), extra)))
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

/** bool [B,N]: protected tokens, and the fewest of the others that hold the share `mass` of their scores. */
function heaviest(score: Tensor, rank: Tensor, order: Tensor, mass: number, state: TokenState): Tensor {
  const protectedTokens = protectedMask(state)
  const free = state.attended === undefined ? not(protectedTokens) : and(state.attended, not(protectedTokens))
  const needed = maximum(tokensForMass(where(free, score, 0), order, mass), 1)
  // One comparison, since WebGPU has no Or.
  return lessOrEqual(where(protectedTokens, 0, where(free, rank, ABOVE_ALL)), needed)
}

/** float [B,N]: rank of each token, from 1; `order` int64 [B,N,1] names the token at each rank. */
function ranks(order: Tensor, { ordinals }: TokenState, hidden: Tensor): Tensor {
  // Sorting the tokens' own numbers back gives, for each token, the rank it came from: an inverse permutation in
  // which the sort's integer result only serves as an index (integer arithmetic would move to the CPU).
  const tokens = gatherND(ordinals, order, 1)
  const { indices } = topK(unsqueeze(tokens, [2]), tokenCount(hidden), { axis: 1, largest: false })
  return gatherND(ordinals, indices, 1)
}

/**
 * float [B,1]: up to which rank tokens are kept to hold the share `mass` of all scores.
 * score [B,N], not negative, 0 for tokens that do not count; `order` as in {@link ranks}.
 */
function tokensForMass(score: Tensor, order: Tensor, mass: number): Tensor {
  const sorted = gatherND(unsqueeze(score, [2]), order, 1)
  const upTo = cumSum(sorted, 1)
  const target = mul(max(upTo, 1, { keepDims: true }), mass)
  const needed = less(sub(upTo, sorted), target)
  return sum(squeeze(cast(needed, 'float32'), [2]), 1, { keepDims: true })
}
