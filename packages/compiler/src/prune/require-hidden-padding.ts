import type { Method } from '@tp/core'
import { paddingReader } from '../analyze/padding-reader.ts'
import type { Program } from '../program/program.ts'
import { Refused } from '../program/refusal.ts'
import type { InsertedCut } from './cut.ts'

/**
 * Refuses to drop padding that is read downstream of the cut.
 * @throws Refused TP_PADDING
 */
export function requireHiddenPadding(program: Program, { name }: Method, { after }: InsertedCut): void {
  const own = new Set(program.graph.outputs.flatMap((output) => [...program.before(output.name, after)]))
  const count = program.tensor(after).dims[1] as string
  const reader = paddingReader(program, { from: after, count, own })
  if (reader === undefined) return
  const reason = `${reader.opType} counts tokens of padding like others, so that answers are others without them`
  const advice = `prune without ${name}, or export the model so that the mask hides padding there, too`
  throw new Refused('TP_PADDING', `${reason}; ${advice}`, reader)
}
