import { gatherND } from '@tp/core'
import type { Encoder } from '../analyze/encoder.ts'
import { Operands } from '../program/operands.ts'
import type { Program } from '../program/program.ts'
import type { InsertedCut } from './cut.ts'
import { nearestSlots } from './nearest-slots.ts'
import type { RestorePoint } from './restore-point.ts'

/**
 * Gives what has the kept tokens [b,k,D] its [b,n,D] rows again, each that of the nearest kept token ({@link nearestSlots}):
 *
 *     x_i = s_j,   j the slot of token i
 *
 * Where tokens were pruned before, the rows that were restored then are restored again, from the tokens that are kept now.
 */
export function fillWithNearest(
  point: RestorePoint,
  program: Program,
  encoder: Encoder,
  cuts: readonly InsertedCut[],
): void {
  const kept = point.node.input[0] as string
  const { names, value } = new Operands(program)
  const upstream = program.before(kept)
  const own = cuts.filter(({ after }) => upstream.has(after))
  const slots = nearestSlots(program, encoder, own, value)
  if (slots === undefined) return
  const rows = gatherND(value(kept), slots, 1)
  const whole = encoder.earlier?.restored?.points.find(({ from }) => from === point.to)
  if (whole === undefined) point.write(rows, names)
  else point.writeWhole(whole.to, rows, names)
}
