import type { Values } from '../method.ts'
import { add, and, cast, cumSum, equal, less, or, shape, slice, squeeze, sub, sum } from '../ops/index.ts'
import type { Tensor } from '../tensor.ts'

/** What travels with the tokens from site to site, all over the tokens that are present. */
export interface TokenState {
  /** bool [B,N]; absent: the model has no padding, every token is real */
  readonly alive?: Tensor | undefined
  /** float [B,N]: index in the model's input */
  readonly position: Tensor
  /** Positions that must stay, ascending, as indices in the model's input. */
  readonly fixed: readonly number[]
  readonly carried: Values
}

/** State before the first site. hidden [B,N,D]; alive bool [B,N] if the model takes padding. */
export function initialState(hidden: Tensor, alive: Tensor | undefined, fixed: readonly number[]): TokenState {
  const position = sub(squeeze(ordinals(hidden), [2]), 1)
  return { alive, position, fixed: [...fixed].sort((a, b) => a - b), carried: {} }
}

/**
 * float [B,N,1]: 1, 2, 3, … over the tokens of `hidden` [B,N,D]. A running sum instead of Range, because it never
 * leaves a GPU; `x < x` is 0 for every x, NaN included.
 */
export function ordinals(hidden: Tensor): Tensor {
  const some = slice(hidden, { axis: 2, start: 0, end: 1 })
  return cumSum(add(cast(less(some, some), 'float32'), 1), 1)
}

/** int64 [1]: tokens of `hidden` [B,N,D], padding included. */
export function tokenCount(hidden: Tensor): Tensor {
  return shape(hidden, { start: 1, end: 2 })
}

/** int64 [B,1] (or [1] without padding): real tokens of each row. */
export function realTokens(state: TokenState, hidden: Tensor): Tensor {
  if (state.alive === undefined) return tokenCount(hidden)
  return cast(sum(cast(state.alive, 'float32'), 1, { keepDims: true }), 'int64')
}

/** bool [B,N]: real tokens that must stay. */
export function fixedTokens(state: TokenState, hidden: Tensor): Tensor {
  const named = namedTokens(state, hidden)
  return state.alive === undefined ? named : and(state.alive, named)
}

function namedTokens({ fixed, position }: TokenState, hidden: Tensor): Tensor {
  // Order is kept and fixed tokens never leave, so a prefix is found without the positions having to travel.
  if (fixed.every((token, i) => token === i)) return less(squeeze(ordinals(hidden), [2]), fixed.length + 1)
  return fixed.map((token) => equal(position, token)).reduce((a, b) => or(a, b))
}
