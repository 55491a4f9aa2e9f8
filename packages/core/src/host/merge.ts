import type { Reduction } from '../method.ts'
import {
  add,
  and,
  cast,
  div,
  equal,
  greater,
  matmul,
  max,
  maximum,
  mul,
  norm2,
  not,
  sum,
  unsqueeze,
  where,
} from '../ops/index.ts'
import type { Tensor } from '../tensor.ts'
import type { Slots } from './compact.ts'
import { fixedCount, fixedTokens, type TokenState, tokenIndex, tokenSizes } from './state.ts'

/** What the tokens that stay have become. */
export interface Merged {
  /** hidden [B,N,D] → [B,K,D] */
  states(hidden: Tensor): Tensor
  /** float [B,K]; absent if no size was ever kept */
  readonly size?: Tensor | undefined
  /** bool [B,K]: not what became of the slot's token, but of all that left; absent where there is none */
  readonly fused?: Tensor | undefined
}

/**
 * Merges tokens that leave into those that stay.
 *
 * A product of [K,R] weights with the R tokens that leave is added to what stays: ops of every opset that no runtime
 * leaves the device for. One thread of a server CPU, onnxruntime-node 1.30, ms for all of it (a one-hot [K,N] product with
 * all tokens; ScatterElements-add, without what it takes to know the slots):
 *
 *     N × D, R leave     [K,R]    [K,N]    scatter    only gathering K
 *     197 × 192, 16      0.050    0.103    0.046      0.02
 *     197 × 384, 40      0.078    0.143    0.087      0.02
 *     512 × 384, 50      0.20     0.91     0.17       0.06
 *     512 × 768, 150     0.53     1.38     0.54       0.08
 */
export function merge(reduction: Reduction, keep: Tensor, state: TokenState, slots: Slots): Merged {
  const { into, merge: how = 'mean', mass, weight } = reduction
  if (into === undefined) return { states: slots.take, size: state.size && slots.take(state.size) }

  const index = tokenIndex(state)
  const target = cast(into, 'float32')
  const leaves = state.alive === undefined ? not(keep) : and(state.alive, not(keep))
  const joins = slots.takeRest(where(leaves, target, -1))
  const places = slots.take(fixedCount(state) === 0 ? index : where(fixedTokens(state), -2, index))
  const hits = cast(equal(unsqueeze(places, [2]), unsqueeze(joins, [1])), 'float32') // [B,K,R]
  // Absent: 1 for every token. A product with ones is a pass over [B,K,R] that a small model feels.
  const own = (x: Tensor | undefined): Tensor | number => (x === undefined ? 1 : slots.take(x))
  const joined = (x: Tensor | undefined): Tensor =>
    x === undefined ? hits : mul(hits, unsqueeze(slots.takeRest(x), [1]))
  const added = (x: Tensor | undefined): Tensor => add(sum(joined(x), 2), own(x))

  const weights = weight === undefined ? state.size : cast(weight, 'float32')
  const fused = how === 'sum' ? equal(slots.take(target), slots.take(index)) : undefined
  const states = (hidden: Tensor): Tensor => {
    const { staying, joining } =
      fused !== undefined
        ? { staying: where(fused, slots.take(weights ?? tokenSizes(state)), 1), joining: joined(weights) }
        : shares(own(weights), joined(weights), weight === undefined)
    const one = (x: Tensor): Tensor => cast(x, hidden.dtype)
    const merged = add(
      mul(slots.take(hidden), one(unsqueeze(staying, [2]))),
      matmul(one(joining), slots.takeRest(hidden)),
    )
    if (how !== 'norm') return merged
    const length = norm2(cast(hidden, 'float32'), 2)
    const longest = maximum(slots.take(length), max(joined(length), 2))
    const now = norm2(cast(merged, 'float32'), 2)
    // States that cancel out leave a mean without direction, which is rounding error: it is not stretched.
    const isMerged = and(greater(max(hits, 2), 0), greater(now, mul(longest, CANCELLED)))
    return mul(merged, one(unsqueeze(where(isMerged, div(longest, maximum(now, TINY)), 1), [2])))
  }
  if (mass === 'none') return { states, fused, size: state.size && slots.take(state.size) }
  return {
    states,
    fused,
    size: mass === undefined ? added(state.size) : maximum(added(cast(mass, 'float32')), SMALLEST),
  }
}

const TINY = 1e-12
/** Share of the longest state below which a mean has no direction left. */
const CANCELLED = 1e-6
/** Sizes stay above 0: they are divided by, and have logarithms. */
const SMALLEST = 1e-6

/**
 * Weights of a token [B,K] and of those that it takes in [B,K,R], divided by their sum. Where all are 0 the token stays
 * what it is; `positive`: that cannot be.
 */
function shares(own: Tensor | number, others: Tensor, positive: boolean): { staying: Tensor; joining: Tensor } {
  const total = add(sum(others, 2), own)
  if (positive) return { staying: div(own, total), joining: div(others, unsqueeze(total, [2])) }
  const some = greater(total, 0)
  const divisor = where(some, total, 1)
  return { staying: where(some, div(own, divisor), 1), joining: div(others, unsqueeze(divisor, [2])) }
}
