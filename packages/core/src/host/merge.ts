import type { Tensor } from '../expression/tensor.ts'
import type { Reduction } from '../method/method.ts'
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
  or,
  sum,
  swapLast,
  unsqueeze,
  where,
} from '../ops/index.ts'
import type { Slots } from './compact.ts'
import { hasProtected, protectedMask, type TokenState, tokenIndex, tokenSizes } from './state.ts'

/** The kept tokens after merging. */
export interface Merged {
  /** hidden [B,N,D] → [B,K,D] */
  states(hidden: Tensor): Tensor
  /** float [B,K]; absent if no size was ever kept */
  readonly size?: Tensor | undefined
  /** bool [B,K]: the slot holds the fused token of all pruned ones; absent without one */
  readonly fused?: Tensor | undefined
  /** float [B,N]: in which slot each token is, alone or as a part of the one in it, from 1; 0: it was dropped. Absent where none are merged. */
  slotOfEach?(): Tensor
}

/**
 * Merges pruned tokens into kept ones.
 *
 * A product of [K,R] weights with the R pruned tokens is added to the kept ones: these ops exist in every opset and run on
 * every device. One thread of a server CPU, onnxruntime-node 1.30, ms for all of it (a one-hot [K,N] product with
 * all tokens; ScatterElements-add, without computing the slots):
 *
 *     N × D, R pruned   [K,R]    [K,N]    scatter    only gathering K
 *     197 × 192, 16      0.050    0.103    0.046      0.02
 *     197 × 384, 40      0.078    0.143    0.087      0.02
 *     512 × 384, 50      0.20     0.91     0.17       0.06
 *     512 × 768, 150     0.53     1.38     0.54       0.08
 */
export function merge(reduction: Reduction, keep: Tensor, state: TokenState, slots: Slots): Merged {
  const { into, merge: how = 'mean', mass, weight } = reduction
  if (into === undefined) {
    const size = mass === undefined || mass === 'none' ? state.size : cast(mass, 'float32')
    return { states: slots.take, size: size && slots.take(size) }
  }

  const index = tokenIndex(state)
  const target = cast(into, 'float32')
  const pruned = state.attended === undefined ? not(keep) : and(state.attended, not(keep))
  const hits =
    into.rank === 3 ? dividedJoins(target, keep, pruned, state, slots) : singleJoins(target, pruned, state, slots)
  // Absent: 1 for every token. A product with ones is a pass over [B,K,R] that slows small models.
  const own = (x: Tensor | undefined): Tensor | number => (x === undefined ? 1 : slots.take(x))
  const joined = (x: Tensor | undefined): Tensor =>
    x === undefined ? hits : mul(hits, unsqueeze(slots.takeRest(x), [1]))
  const added = (x: Tensor | undefined): Tensor => add(sum(joined(x), 2), own(x))

  const weights = weight === undefined ? state.size : cast(weight, 'float32')
  // A token that is divided among several is not a fused token of all of them.
  const fused = how === 'sum' && into.rank === 2 ? equal(slots.take(target), slots.take(index)) : undefined
  const alone = (isAll: Tensor | undefined): Tensor | undefined =>
    isAll && where(isAll, slots.take(weights ?? tokenSizes(state)), 1)
  const states = (hidden: Tensor): Tensor => {
    const { kept, joining } =
      how === 'sum'
        ? { kept: alone(fused), joining: joined(weights) }
        : shares(own(weights), joined(weights), weight === undefined)
    const one = (x: Tensor): Tensor => cast(x, hidden.dtype)
    const before = slots.take(hidden)
    const merged = add(
      kept === undefined ? before : mul(before, one(unsqueeze(kept, [2]))),
      matmul(one(joining), slots.takeRest(hidden)),
    )
    if (how !== 'norm') return merged
    const length = norm2(cast(hidden, 'float32'), 2)
    // The longest of the merged ones, however small its part.
    const joinsIn = into.rank === 3 ? cast(greater(hits, 0), 'float32') : hits
    const lengths = mul(joinsIn, unsqueeze(slots.takeRest(length), [1]))
    const longest = maximum(slots.take(length), max(lengths, 2))
    const now = norm2(cast(merged, 'float32'), 2)
    // If states cancel out, the direction of their mean is rounding error: it is not scaled.
    const isMerged = and(greater(max(hits, 2), 0), greater(now, mul(longest, CANCELLED)))
    return mul(merged, one(unsqueeze(where(isMerged, div(longest, maximum(now, TINY)), 1), [2])))
  }
  const slotOfEach = into.rank === 2 ? () => slotsOf(target, keep, pruned, state, slots) : undefined
  const common = { states, fused, ...(slotOfEach && { slotOfEach }) }
  if (mass === 'none') return { ...common, size: state.size && slots.take(state.size) }
  return {
    ...common,
    size: mass === undefined ? added(state.size) : maximum(added(cast(mass, 'float32')), SMALLEST),
  }
}

/** into [B,N] → float [B,K,R]: 1 where a removed token is merged into the one in a slot. */
function singleJoins(target: Tensor, pruned: Tensor, state: TokenState, slots: Slots): Tensor {
  const index = tokenIndex(state)
  const joins = slots.takeRest(where(pruned, target, -1))
  return cast(equal(unsqueeze(openSlots(index, state, slots), [2]), unsqueeze(joins, [1])), 'float32')
}

/** float [B,K]: index of the token in each slot; below all where nothing is merged into it. */
function openSlots(index: Tensor, state: TokenState, slots: Slots): Tensor {
  return slots.take(hasProtected(state) ? where(protectedMask(state), -2, index) : index)
}

/** See {@link Merged.slotOfEach}. */
function slotsOf(target: Tensor, keep: Tensor, pruned: Tensor, state: TokenState, slots: Slots): Tensor {
  const index = tokenIndex(state)
  const inSlots = (indices: Tensor): Tensor =>
    unsqueeze(slots.valid === undefined ? indices : where(slots.valid, indices, -2), [1])
  const isAt = or(
    equal(unsqueeze(where(keep, index, -1), [2]), inSlots(slots.take(index))),
    equal(unsqueeze(where(pruned, target, -1), [2]), inSlots(openSlots(index, state, slots))),
  ) // [B,N,K]
  return max(where(isAt, unsqueeze(slots.ordinals, [1]), 0), 2)
}

/**
 * into [B,N,N] → float [B,K,R]: what part of a removed token is merged into the one in a slot. Parts for tokens that nothing is
 * merged into are divided among the others in proportion, so that the sum is what the method says.
 */
function dividedJoins(into: Tensor, keep: Tensor, pruned: Tensor, state: TokenState, slots: Slots): Tensor {
  const takes = hasProtected(state) ? and(keep, not(protectedMask(state))) : keep
  // Negative numbers and NaN count as 0.
  const parts = where(and(greater(into, 0), unsqueeze(pruned, [2])), into, 0)
  const rows = slots.takeRest(parts) // [B,R,N]
  const toSlots = mul(slots.take(swapLast(rows)), unsqueeze(cast(slots.take(takes), 'float32'), [2])) // [B,K,R]
  const stated = unsqueeze(sum(rows, 2), [1])
  const taken = sum(toSlots, 1, { keepDims: true })
  return mul(toSlots, where(greater(taken, 0), div(stated, maximum(taken, TINY)), 0))
}

const TINY = 1e-12
/** Share of the longest state below which the direction of a mean is rounding error. */
const CANCELLED = 1e-6
/** Sizes must be above 0: they are divisors, and logarithms are taken of them. */
const SMALLEST = 1e-6

/**
 * Weights of a token [B,K] and of those merged into it [B,K,R], divided by their sum. Where all are 0 the token does not
 * change; `positive`: this cannot happen.
 */
function shares(own: Tensor | number, others: Tensor, positive: boolean): { kept: Tensor; joining: Tensor } {
  const total = add(sum(others, 2), own)
  if (positive) return { kept: div(own, total), joining: div(others, unsqueeze(total, [2])) }
  const some = greater(total, 0)
  const divisor = where(some, total, 1)
  return { kept: where(some, div(own, divisor), 1), joining: div(others, unsqueeze(divisor, [2])) }
}
