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
import { countTokens, hasProtected, protectedMask, type TokenState, tokenCount } from './state.ts'

/** The kept tokens as a rectangle: kept ones first, in order, then fillers that are masked. */
export interface Slots {
  /** int64 [B,K,1]: which token is in each slot */
  readonly indices: Tensor
  /** Fillers may have been real tokens, which the model's own mask does not hide. */
  readonly ragged: boolean
  /** x [B,N,…] → [B,K,…] */
  take(x: Tensor): Tensor
  /**
   * x [B,N,…] → [B,R,…]: tokens that include all pruned ones. Where shapes fix K these are the last ones, R about N − K;
   * else all.
   */
  takeRest(x: Tensor): Tensor
  /** float [B,K]: 1, 2, 3, … */
  readonly ordinals: Tensor
  /** int32 [B,1]: kept tokens of each example; absent, like `valid`, where every slot holds one */
  readonly count?: Tensor | undefined
  /** bool [B,K]: the slot holds a kept token */
  readonly valid?: Tensor | undefined
}

/** How many tokens are kept, where the schedule says so. */
export interface KeptTokens {
  /** int64 [1]: slots of the rectangle */
  readonly width: Tensor
  /** int32 [B,1] (int64 [1] without padding): tokens of each example */
  readonly rows: Tensor
}

export interface CompactOptions {
  /** bool [B,N] */
  readonly keep: Tensor
  readonly kept: KeptTokens | undefined
  /** float [B,N]: kept tokens are sorted by it, after the protected ones; default: they keep their order */
  readonly order?: Tensor | undefined
  /** What `order` was computed from. */
  readonly given: GivenValues
  readonly state: TokenState
  readonly hidden: Tensor
  /** Whether the pruned tokens are needed, too. */
  readonly needsRest: boolean
}

/** Larger than every sort key of a kept token. */
const BEHIND = 1e30

/**
 * keep bool [B,N] → the rectangle. With `kept` its size follows from shapes alone (then padding suffices to fill shorter
 * examples, since f(N) − f(n) ≤ N − n for every rule of the schedule); without, it is that of the fullest example.
 */
export function compact({ keep, kept, order, given, state, hidden, needsRest }: CompactOptions): Slots {
  const tokens = tokenCount(hidden)
  const count = kept?.rows ?? countTokens(keep)
  const width = kept?.width ?? maximum(cast(max(count, 0), 'int64'), 1)
  const ordinal = inPlace(keep, state, tokens)
  const key = order === undefined ? ordinal : inOrder(keep, sortableKey(order, given), state)
  // Two sorts instead of one that is split: a GPU has no 64-bit integers, so it could not slice the indices.
  const { indices } = topK(unsqueeze(key, [2]), width, { axis: 1, largest: false })
  const take = (x: Tensor): Tensor => gatherND(x, indices, 1)
  const ragged = kept === undefined
  // Never empty, for runtimes that cannot multiply empty tensors: if none is pruned, it holds the last kept one.
  const others = maximum(sub(tokens, width), 1)
  const rest = needsRest && !ragged ? topK(unsqueeze(ordinal, [2]), others, { axis: 1 }).indices : undefined
  const takeRest = (x: Tensor): Tensor => (rest === undefined ? x : gatherND(x, rest, 1))
  const ordinals = slice(state.ordinals, { axis: 1, start: 0, end: width })
  if (!ragged && state.attended === undefined) return { indices, ragged, take, takeRest, ordinals }
  const valid = lessOrEqual(ordinals, cast(count, 'float32'))
  return { indices, ragged, take, takeRest, ordinals, count, valid }
}

/** Sort key: kept tokens by index, then padding, then tokens that were dropped. */
function inPlace(keep: Tensor, state: TokenState, tokens: Tensor): Tensor {
  // The order of dropped ones does not matter.
  if (state.attended === undefined) return where(keep, state.ordinals, BEHIND)
  const size = cast(tokens, 'float32')
  return add(state.ordinals, where(keep, 0, where(state.attended, mul(size, 2), size)))
}

/** The same with kept tokens by another order; equal keys keep their order. */
function inOrder(keep: Tensor, order: Tensor, state: TokenState): Tensor {
  const behind = state.attended === undefined ? BEHIND : where(state.attended, 2 * BEHIND, BEHIND)
  const own = hasProtected(state) ? where(protectedMask(state), -BEHIND, order) : order
  return where(keep, own, behind)
}
