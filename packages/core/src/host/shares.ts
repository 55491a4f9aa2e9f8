import type { Tensor } from '../expression/tensor.ts'
import { and, cast, div, greater, mean, not, sum, where } from '../ops/index.ts'
import { protectedMask, type TokenState } from './state.ts'

/** Which shares of each example are kept at a cut, 0…1. */
export interface MonitorShares {
  /** float [B] the kept share of the score of the unprotected tokens; absent where scores may be negative */
  readonly mass?: Tensor
  /** float [B] the kept share of the tokens */
  readonly tokens: Tensor
}

/** @param score float [B,N], not negative; absent: unknown. @param keep bool [B,N] */
export function sharesOf(score: Tensor | undefined, keep: Tensor, state: TokenState): MonitorShares {
  const kept = cast(keep, 'float32')
  const tokens =
    state.attended === undefined ? mean(kept, 1) : div(sum(kept, 1), sum(cast(state.attended, 'float32'), 1))
  return { tokens, ...(score && { mass: massOf(score, keep, state) }) }
}

/** Protected tokens do not count: a class token may hold most of the score, and is always kept. */
function massOf(score: Tensor, keep: Tensor, state: TokenState): Tensor {
  const protectedTokens = protectedMask(state)
  const free = state.attended === undefined ? not(protectedTokens) : and(state.attended, not(protectedTokens))
  const counted = where(free, cast(score, 'float32'), 0)
  const all = sum(counted, 1)
  // without unprotected tokens all is kept
  return where(greater(all, 0), div(sum(where(keep, counted, 0), 1), all), 1)
}
