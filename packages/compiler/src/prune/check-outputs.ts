import type { Tensor } from '@tp/core'
import { isUnknown } from '@tp/core/expression'
import type { Program } from '../program/program.ts'
import { Refused } from '../program/refusal.ts'
import { countsAfter } from './dead-tokens.ts'
import type { Pruning } from './pruning.ts'

/** The last pass: notes which cuts remain, and checks that the outputs of the graph, inferred again, are what they were. */
export function checkOutputs(pruning: Pruning): void {
  const { program, encoder, outputs, compact } = pruning
  const { graph } = program
  pruning.cuts = pruning.cuts.filter((cut) => graph.producer(cut.after) !== undefined)
  program.refresh(countsAfter(program, encoder, pruning.cuts))
  requireSameOutputs(outputs, program, compact)
  for (const name of compact) declareSize(program, name, outputs.get(name))
}

/** Declares how many rows an output has now: some runtimes refuse a result of another shape than the declared one. */
function declareSize(program: Program, name: string, was: Tensor | undefined): void {
  if (was === undefined || !was.hasShape) return
  const { dtype, dims } = program.tensor(name)
  const declared = dims.map((dim, axis) => {
    if (dim === was.dims[axis]) return isUnknown(dim) ? undefined : dim
    return typeof dim === 'number' ? dim : undefined
  })
  program.graph.setValueInfo(name, dtype, declared)
}

/** Types and shapes of a model's outputs. */
export function outputShapes(program: Program): Map<string, Tensor> {
  return new Map(program.graph.outputs.map(({ name }) => [name, program.tensor(name)]))
}

/** The outputs of the graph, inferred again, must have the types and shapes that they had. */
function requireSameOutputs(before: ReadonlyMap<string, Tensor>, program: Program, mayShrink: readonly string[]): void {
  const now = outputShapes(program)
  const isSame = (name: string, was: Tensor): boolean =>
    mayShrink.includes(name) || sameShape(was, now.get(name) as Tensor)
  const changed = [...before].filter(([name, was]) => !isSame(name, was))
  const [first] = changed
  if (first === undefined) return
  const [name, was] = first
  const others =
    changed.length === 1
      ? ''
      : ` (and ${changed
          .slice(1)
          .map(([other]) => other)
          .join(', ')} likewise)`
  const seen = `the output ${name} was ${was} and would be ${now.get(name)}${others}: it has rows of tokens that are pruned upstream of it`
  const rest = [...before.keys()].filter((other) => changed.every(([gone]) => gone !== other))
  const advice = rest.length === 0 ? '' : `; keep only the others, with --set outputs=${rest.join(',')}`
  throw new Refused('TP_TOKEN_OUTPUT', `${seen}${advice}`, program.graph.producer(name))
}

/** True if what was known of a shape is so still. */
function sameShape(was: Tensor, now: Tensor): boolean {
  if (was.dtype !== now.dtype || !was.hasShape || !now.hasShape) return was.dtype === now.dtype && !was.hasShape
  return was.rank === now.rank && was.dims.every((dim, axis) => isUnknown(dim) || dim === now.dims[axis])
}
