import type { Tensor } from '../expression/tensor.ts'
import {
  add,
  cast,
  gatherND,
  lessOrEqual,
  max,
  maximum,
  mul,
  slice,
  sub,
  topK,
  unsqueeze,
  where,
} from '../ops/index.ts'
import { type GivenValues, sortableKey } from './not-a-number.ts'
import { countTokens, protectedCount, protectedMask, type TokenState, tokenCount } from './state.ts'

/** The tokens that stay, as a rectangle: kept ones first in their order, then fillers that are masked. */
export interface Slots {
  /** int64 [B,K,1]: which token is in each slot */
  readonly indices: Tensor
  /** Rows may hold fillers that were real tokens, so the model's own mask is not enough to hide them. */
  readonly ragged: boolean
  /** x [B,N,…] → [B,K,…] */
  take(x: Tensor): Tensor
  /**
   * x [B,N,…] → [B,R,…]: tokens among which are all that do not stay. Where shapes fix K these are the last ones, R about
   * N − K; else all.
   */
  takeRest(x: Tensor): Tensor
  /** float [B,K]: 1, 2, 3, … */
  readonly ordinals: Tensor
  /** int32 [B,1]: kept tokens of each row; absent, like `valid`, where every slot of every row holds one */
  readonly count?: Tensor | undefined
  /** bool [B,K]: the slot holds a kept token */
  readonly valid?: Tensor | undefined
}

/** How many tokens stay, where the schedule says so. */
export interface KeptTokens {
  /** int64 [1]: slots of the rectangle */
  readonly width: Tensor
  /** int32 [B,1] (int64 [1] without padding): tokens of each row */
  readonly rows: Tensor
}

export interface CompactOptions {
  /** bool [B,N] */
  readonly keep: Tensor
  readonly kept: KeptTokens | undefined
  /** float [B,N]: kept tokens are sorted by it, behind the protected ones; default: they keep their order */
  readonly order?: Tensor | undefined
  /** What `order` was made from. */
  readonly given: GivenValues
  readonly state: TokenState
  readonly hidden: Tensor
  /** Whether the tokens that leave are asked for as well. */
  readonly needsRest: boolean
}

/** Beyond every sort key of a token that stays. */
const BEHIND = 1e30

/**
 * keep bool [B,N] → the rectangle. With `kept` its size follows from shapes alone (then padding suffices to fill shorter
 * rows, since f(N) − f(n) ≤ N − n for every rule of the schedule); without, it is that of the fullest row.
 */
export function compact({ keep, kept, order, given, state, hidden, needsRest }: CompactOptions): Slots {
  const tokens = tokenCount(hidden)
  const count = kept?.rows ?? countTokens(keep)
  const width = kept?.width ?? maximum(cast(max(count, 0), 'int64'), 1)
  const ordinal = inPlace(keep, state, tokens)
  const key = order === undefined ? ordinal : inOrder(keep, sortableKey(order, given), state)
  // Two sorts and not one that is cut in two: a GPU has no integers of 64 bits, so that it could not cut the indices.
  const { indices } = topK(unsqueeze(key, [2]), width, { axis: 1, largest: false })
  const take = (x: Tensor): Tensor => gatherND(x, indices, 1)
  const ragged = kept === undefined
  // Never empty, for runtimes that cannot multiply by nothing: if none leaves, the last one that stays is among them.
  const others = maximum(sub(tokens, width), 1)
  const rest = needsRest && !ragged ? topK(unsqueeze(ordinal, [2]), others, { axis: 1 }).indices : undefined
  const takeRest = (x: Tensor): Tensor => (rest === undefined ? x : gatherND(x, rest, 1))
  const ordinals = slice(state.ordinals, { axis: 1, start: 0, end: width })
  if (!ragged && state.attended === undefined) return { indices, ragged, take, takeRest, ordinals }
  const valid = lessOrEqual(ordinals, cast(count, 'float32'))
  return { indices, ragged, take, takeRest, ordinals, count, valid }
}

/** Sort key: kept tokens by place, then padding, then tokens that were dropped. */
function inPlace(keep: Tensor, state: TokenState, tokens: Tensor): Tensor {
  const size = cast(tokens, 'float32')
  const penalty = state.attended === undefined ? size : where(state.attended, mul(size, 2), size)
  return add(state.ordinals, where(keep, 0, penalty))
}

/** The same with kept tokens by another order; equal keys keep their places. */
function inOrder(keep: Tensor, order: Tensor, state: TokenState): Tensor {
  const behind = state.attended === undefined ? BEHIND : where(state.attended, 2 * BEHIND, BEHIND)
  const own = protectedCount(state) === 0 ? order : where(protectedMask(state), -BEHIND, order)
  return where(keep, own, behind)
}
