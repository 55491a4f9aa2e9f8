import {
  abs,
  add,
  argMin,
  axisSize,
  cast,
  cumSum,
  div,
  equal,
  floor,
  gatherND,
  greater,
  less,
  maximum,
  minimum,
  mul,
  or,
  slice,
  squeeze,
  sub,
  sum,
  type Tensor,
  unsqueeze,
  where,
} from '@tp/core'
import type { Encoder } from '../analyze/encoder.ts'
import { gridOf } from '../analyze/grid.ts'
import type { Layer } from '../analyze/layer.ts'
import type { Operands } from '../program/operands.ts'
import type { Program } from '../program/program.ts'
import type { InsertedCut } from './cut.ts'
import { attendedTokens } from './start.ts'

/**
 * int64 [b,n,1]: the slot of the kept token that is nearest to each token of the model's input,
 *
 *     argmin over slots of |i − position_j|, the earlier of two
 *
 * Patches that were a grid before they were flattened are as far apart as there: the squares of their distances along its rows and columns
 * are added.
 *
 * A token that was merged is in the slot of the one that it was merged into, however far away.
 *
 * A slot with padding or with a token that stands for no part of the input (a class token has a position, but is not a neighbor) stands
 * for itself alone, unless there is no other; fillers, slots of shorter examples that hold tokens which were dropped, for none. Other
 * protected tokens are neighbors like any.
 *
 * @returns undefined where no token was pruned
 */
export function nearestSlots(
  program: Program,
  encoder: Encoder,
  cuts: readonly InsertedCut[],
  value: Operands['value'],
): Tensor | undefined {
  const last = cuts.at(-1)
  const all = [...(encoder.earlier?.cuts ?? []), ...cuts]
  const [first] = all
  if (first === undefined || last === undefined) return undefined
  const ordinals = ordinalsOf(value(first.before)) // [b,n,1]
  const position = value(last.position) // [b,k]
  const valid = last.valid === undefined ? undefined : value(last.valid)
  const grid = gridOf(program, (encoder.layers[0] as Layer).input, encoder.apart.length)
  const width = grid && cast(axisSize(value(grid.value), grid.axis), 'float32')
  const index = sub(ordinals, 1)
  const slots = unsqueeze(position, [1])
  const leading = encoder.apart.filter((token, i) => token === i).length
  const apart = width === undefined ? abs(sub(index, slots)) : inGrid(index, slots, width, leading) // [b,n,k]
  const detour = unsqueeze(detours(value(last.place), valid, encoder.apart), [1])
  const distance = add(apart, mul(minimum(apart, 1), detour))
  const isRagged = all.some(({ ragged }) => ragged)
  const open = valid !== undefined && isRagged ? where(unsqueeze(valid, [1]), distance, NEVER) : distance
  const merged = mergedSlots(cuts, value)
  return argMin(merged === undefined ? open : where(isSlot(merged, position), NEAREST, open), 2, { keepDims: true })
}

/**
 * float [b,k]: of how many attended tokens of the model's input each kept one is the nearest ({@link nearestSlots}), itself included.
 * @returns undefined where no token was pruned
 */
export function countNearest(
  program: Program,
  encoder: Encoder,
  cuts: readonly InsertedCut[],
  value: Operands['value'],
): Tensor | undefined {
  const slots = nearestSlots(program, encoder, cuts, value)
  if (slots === undefined) return undefined
  const ordinals = add(cast(squeeze(slots, [2]), 'float32'), 1)
  const isOwn = cast(isSlot(ordinals, value((cuts.at(-1) as InsertedCut).position)), 'float32')
  if (encoder.mask === undefined) return sum(isOwn, 1)
  const attended = cast(attendedTokens(value(encoder.mask), encoder), 'float32')
  return sum(mul(isOwn, unsqueeze(attended, [2])), 1)
}

/** float [b,n]: the slot after the last cut that each token is in, alone or as a part of another, from 1; 0: it was dropped. Undefined where a cut merges none. */
function mergedSlots(cuts: readonly InsertedCut[], value: (name: string) => Tensor): Tensor | undefined {
  let all: Tensor | undefined
  for (const { slotOfEach } of cuts) {
    if (slotOfEach === undefined) return undefined
    const own = value(slotOfEach)
    // Slot 0 does not exist: what was dropped before is looked up in the first one, and not used.
    const later = all && gatherND(own, unsqueeze(cast(maximum(sub(all, 1), 0), 'int64'), [2]), 1)
    all = all === undefined || later === undefined ? own : where(greater(all, 0), later, 0)
  }
  return all
}

/** slots [b,n], of k, from 1 → bool [b,n,k] */
function isSlot(slots: Tensor, position: Tensor): Tensor {
  const row = slice(position, { axis: 0, start: 0, end: 1 })
  const ordinals = cumSum(add(cast(less(row, row), 'float32'), 1), 1) // [1,k]
  return equal(unsqueeze(slots, [2]), unsqueeze(ordinals, [1]))
}

/** Squares of distances in a grid whose first patch is at index `leading`; tokens before it are in a row of their own. */
function inGrid(a: Tensor, b: Tensor, width: Tensor, leading: number): Tensor {
  const rowOf = (index: Tensor): Tensor => floor(div(sub(index, leading), width))
  const [rowA, rowB] = [rowOf(a), rowOf(b)]
  const rows = sub(rowA, rowB)
  const columns = sub(sub(a, mul(rowA, width)), sub(b, mul(rowB, width)))
  return add(mul(rows, rows), mul(columns, columns))
}

/** float [b,n,1]: 1, 2, 3, … by a running sum, which stays on a GPU; x < x is 0 for every x. */
function ordinalsOf(states: Tensor): Tensor {
  const some = slice(states, { axis: 2, start: 0, end: 1 })
  return cumSum(add(cast(less(some, some), 'float32'), 1), 1)
}

/** float [b,k]: how much farther from other tokens a slot is than its position says. `place` [b,k]: among the real tokens. */
function detours(place: Tensor, valid: Tensor | undefined, apart: readonly number[]): Tensor {
  const isApart = apart.map((token) => equal(place, token))
  const [one] = isApart
  const reserved =
    one === undefined
      ? mul(place, 0)
      : where(
          isApart.reduce((a, b) => or(a, b)),
          APART,
          0,
        )
  return valid === undefined ? reserved : where(valid, reserved, PADDING)
}

/** Below every distance. */
const NEAREST = -1
/** Farther than any token is from another: first a class token serves, then padding, and a filler last. */
const APART = 1e9
const PADDING = 1e10
const NEVER = 1e11
