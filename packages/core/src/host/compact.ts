import {
  add, cast, gatherND, lessOrEqual, max, maximum, mul, squeeze, sum, topK, unsqueeze, where,
} from '../ops/index.ts'
import type { Tensor } from '../tensor.ts'
import { ordinals, type TokenState, tokenCount } from './state.ts'

/** The tokens that stay, as a rectangle: kept ones first in their order, then fillers that are masked. */
export interface Cut {
  /** int64 [B,K,1]: which token is in each slot */
  readonly indices: Tensor
  /** bool [B,K]: the slot holds a kept token; absent where every slot of every row does */
  readonly valid?: Tensor | undefined
  /** Rows may hold fillers that were real tokens, so the model's own mask is not enough to hide them. */
  readonly ragged: boolean
  /** x [B,N,…] → [B,K,…] */
  take(x: Tensor): Tensor
}

/**
 * keep bool [B,N] → the rectangle. `width` int64 [1] if shapes alone fix it (then padding suffices to fill shorter
 * rows, since f(N) − f(n) ≤ N − n for every rule of the schedule); otherwise it is that of the fullest row.
 */
export function compact(keep: Tensor, width: Tensor | undefined, state: TokenState, hidden: Tensor): Cut {
  const ordinal = ordinals(hidden)
  const count = cast(tokenCount(hidden), 'float32')
  // Sort key: kept tokens by place, then padding, then tokens that were dropped.
  const penalty = state.alive === undefined ? count : where(state.alive, mul(count, 2), count)
  const place = add(ordinal, unsqueeze(where(keep, 0, penalty), [2]))
  const kept = sum(cast(keep, 'float32'), 1, { keepDims: true })
  const k = width ?? cast(maximum(max(kept, 0), 1), 'int64')
  const { indices } = topK(place, k, { axis: 1, largest: false })
  const take = (x: Tensor): Tensor => gatherND(x, indices, 1)
  const ragged = width === undefined
  if (!ragged && state.alive === undefined) return { indices, ragged, take }
  const valid = lessOrEqual(squeeze(ordinals(take(hidden)), [2]), kept)
  return { indices, valid, ragged, take }
}
