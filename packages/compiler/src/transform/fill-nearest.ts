import {
  abs,
  add,
  argMin,
  cast,
  cumSum,
  equal,
  gatherND,
  less,
  minimum,
  mul,
  or,
  slice,
  sub,
  type Tensor,
  unsqueeze,
  where,
} from '@tp/core'
import type { Encoder } from '../analyze/encoder.ts'
import { Operands } from '../program/operands.ts'
import type { Program } from '../program/program.ts'
import type { InsertedCut } from './cut.ts'
import type { RestorePoint } from './restore-point.ts'

/**
 * Gives what has the kept tokens [b,k,D] its [b,n,D] rows again, each that of the nearest kept token:
 *
 *     x_i = s_j,   j = argmin over slots of |i − position_j|, the earlier of two
 *
 * A slot with padding or with a token that stands for no part of the input (a class token has a position, but is no neighbour) stands
 * for itself alone, unless there is no other; fillers, slots of shorter examples that hold tokens which were dropped, for none. Other
 * protected tokens are neighbours like any.
 *
 * Where tokens were pruned before, the rows that were restored then are restored again, from the tokens that are kept now.
 */
export function fillWithNearest(
  point: RestorePoint,
  program: Program,
  encoder: Encoder,
  cuts: readonly InsertedCut[],
): void {
  const upstream = program.before(point.node.input[0] as string)
  const own = cuts.filter(({ after }) => upstream.has(after))
  const last = own.at(-1)
  const all = [...(encoder.earlier?.cuts ?? []), ...own]
  const [first] = all
  if (first === undefined || last === undefined) return
  const { names, value } = new Operands(program)
  const ordinals = ordinalsOf(value(first.before)) // [b,n,1]
  const position = value(last.position) // [b,k]
  const valid = last.valid === undefined ? undefined : value(last.valid)
  const apart = abs(sub(sub(ordinals, 1), unsqueeze(position, [1]))) // [b,n,k]
  const detour = unsqueeze(detours(position, valid, encoder.apart), [1])
  const distance = add(apart, mul(minimum(apart, 1), detour))
  const isRagged = all.some(({ ragged }) => ragged)
  const open = valid !== undefined && isRagged ? where(unsqueeze(valid, [1]), distance, NEVER) : distance
  const rows = gatherND(value(point.node.input[0] as string), argMin(open, 2, { keepDims: true }), 1)
  const whole = encoder.earlier?.restored?.points.find(({ from }) => from === point.to)
  if (whole === undefined) point.write(rows, names)
  else point.writeWhole(whole.to, rows, names)
}

/** float [b,n,1]: 1, 2, 3, … by a running sum, which stays on a GPU; x < x is 0 for every x. */
function ordinalsOf(states: Tensor): Tensor {
  const some = slice(states, { axis: 2, start: 0, end: 1 })
  return cumSum(add(cast(less(some, some), 'float32'), 1), 1)
}

/** float [b,k]: how much farther from other tokens a slot is than its position [b,k] says. */
function detours(position: Tensor, valid: Tensor | undefined, apart: readonly number[]): Tensor {
  const isApart = apart.map((token) => equal(position, token))
  const [one] = isApart
  const reserved =
    one === undefined
      ? mul(position, 0)
      : where(
          isApart.reduce((a, b) => or(a, b)),
          APART,
          0,
        )
  return valid === undefined ? reserved : where(valid, reserved, PADDING)
}

/** Farther than any position: first a class token serves, then padding, and a filler last. */
const APART = 1e6
const PADDING = 1e7
const NEVER = 1e8
