import type { Tensor } from '../expression/tensor.ts'
import {
  add,
  and,
  cast,
  cumSum,
  gatherND,
  greater,
  lessOrEqual,
  max,
  maximum,
  mul,
  not,
  slice,
  sub,
  topK,
  unsqueeze,
  where,
} from '../ops/index.ts'
import { type SiteValues, sortableKey } from './not-a-number.ts'
import { countTokens, hasProtected, protectedMask, type TokenState, tokenCount } from './state.ts'

/** Where the slots are that an example has too many: behind its kept tokens, or in front of them, so that its last token is in the last slot. */
export type Fillers = 'last' | 'first'

/** The kept tokens as a rectangle, in order, and fillers that are masked: see {@link Fillers}. */
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
  /** The values that `order` was computed from. */
  readonly siteValues: SiteValues
  readonly state: TokenState
  readonly hidden: Tensor
  /** Whether the pruned tokens are needed, too. */
  readonly needsRest: boolean
  /** `first` only with `kept`, and without an `order`. */
  readonly fillers?: Fillers | undefined
}

/** Larger than every sort key of a kept token. */
const LAST = 1e30

/**
 * keep bool [B,N] → the rectangle. With `kept` its size follows from shapes alone (then padding suffices to fill shorter
 * examples, since f(N) − f(n) ≤ N − n for every rule of the schedule); without, it is that of the fullest example.
 */
export function compact(options: CompactOptions): Slots {
  const { keep, kept, order, siteValues, state, hidden, needsRest, fillers = 'last' } = options
  const tokens = tokenCount(hidden)
  const count = kept?.rows ?? countTokens(keep)
  const width = kept?.width ?? maximum(cast(max(count, 0), 'int64'), 1)
  const spare = fillers === 'first' ? sub(cast(width, 'float32'), cast(count, 'float32')) : undefined
  const ordinal = spare === undefined ? inPlace(keep, state, tokens) : afterFillers(keep, state, spare, tokens)
  const key = order === undefined ? ordinal : inOrder(keep, sortableKey(order, siteValues), state)
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
  const valid = spare === undefined ? lessOrEqual(ordinals, cast(count, 'float32')) : greater(ordinals, spare)
  return { indices, ragged, take, takeRest, ordinals, count, valid }
}

/** Sort key: kept tokens by index, then padding, then tokens that were dropped. */
function inPlace(keep: Tensor, state: TokenState, tokens: Tensor): Tensor {
  // The order of dropped ones does not matter.
  if (state.attended === undefined) return where(keep, state.ordinals, LAST)
  const size = cast(tokens, 'float32')
  return add(state.ordinals, where(keep, 0, where(state.attended, mul(size, 2), size)))
}

/** Sort key: as much padding as there are slots to spare (float [B,1]), then kept tokens by index, then the others. */
function afterFillers(keep: Tensor, state: TokenState, spare: Tensor, tokens: Tensor): Tensor {
  if (state.attended === undefined) return inPlace(keep, state, tokens)
  const isPadding = not(state.attended)
  const fills = and(isPadding, lessOrEqual(cumSum(cast(isPadding, 'float32'), 1), spare))
  return where(keep, add(state.ordinals, cast(tokens, 'float32')), where(fills, state.ordinals, LAST))
}

/** Sort key: kept tokens by another order; equal keys keep their order. */
function inOrder(keep: Tensor, order: Tensor, state: TokenState): Tensor {
  const last = state.attended === undefined ? LAST : where(state.attended, 2 * LAST, LAST)
  const own = hasProtected(state) ? where(protectedMask(state), -LAST, order) : order
  return where(keep, own, last)
}
