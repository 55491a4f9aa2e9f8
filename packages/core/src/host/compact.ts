import {
  add,
  cast,
  gatherND,
  lessOrEqual,
  max,
  maximum,
  mul,
  slice,
  sum,
  topK,
  unsqueeze,
  where,
} from '../ops/index.ts'
import type { Tensor } from '../tensor.ts'
import { type TokenState, tokenCount } from './state.ts'

/** The tokens that stay, as a rectangle: kept ones first in their order, then fillers that are masked. */
export interface Cut {
  /** int64 [B,K,1]: which token is in each slot */
  readonly indices: Tensor
  /** Rows may hold fillers that were real tokens, so the model's own mask is not enough to hide them. */
  readonly ragged: boolean
  /** x [B,N,…] → [B,K,…] */
  take(x: Tensor): Tensor
  /** float [B,K]: 1, 2, 3, … */
  readonly ordinals: Tensor
  /** int64 [B,1]: kept tokens of each row; absent, like `valid`, where every slot of every row holds one */
  readonly count?: Tensor | undefined
  /** bool [B,K]: the slot holds a kept token */
  readonly valid?: Tensor | undefined
}

/** How many tokens stay, where the schedule says so. */
export interface Kept {
  /** int64 [1]: slots of the rectangle */
  readonly width: Tensor
  /** int64 [B,1] (or [1] without padding): tokens of each row */
  readonly rows: Tensor
}

/**
 * keep bool [B,N] → the rectangle. With `kept` its size follows from shapes alone (then padding suffices to fill shorter
 * rows, since f(N) − f(n) ≤ N − n for every rule of the schedule); without, it is that of the fullest row.
 */
export function compact(keep: Tensor, kept: Kept | undefined, state: TokenState, hidden: Tensor): Cut {
  const size = cast(tokenCount(hidden), 'float32')
  // Sort key: kept tokens by place, then padding, then tokens that were dropped.
  const penalty = state.alive === undefined ? size : where(state.alive, mul(size, 2), size)
  const place = add(state.ordinals, where(keep, 0, penalty))
  const count = kept?.rows ?? cast(sum(cast(keep, 'float32'), 1, { keepDims: true }), 'int64')
  const width = kept?.width ?? maximum(max(count, 0), 1)
  const { indices } = topK(unsqueeze(place, [2]), width, { axis: 1, largest: false })
  const take = (x: Tensor): Tensor => gatherND(x, indices, 1)
  const ordinals = slice(state.ordinals, { axis: 1, start: 0, end: width })
  const ragged = kept === undefined
  if (!ragged && state.alive === undefined) return { indices, ragged, take, ordinals }
  return { indices, ragged, take, ordinals, count, valid: lessOrEqual(ordinals, cast(count, 'float32')) }
}
