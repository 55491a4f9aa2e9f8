import { axisSize, concat, expand, type Tensor } from '@tp/core'
import type { Dim } from '@tp/core/expression'
import type { NodeProto } from '@tp/onnx'
import type { Encoder } from '../analyze/encoder.ts'
import type { Layer } from '../analyze/layer.ts'
import { maskInput } from '../analyze/mask.ts'
import type { Stretch } from '../analyze/padding-reader.ts'
import { Operands } from '../program/operands.ts'
import type { Program } from '../program/program.ts'
import type { CutRecord } from '../program/provenance.ts'
import { attendedAfter, attendedTokens } from '../prune/start.ts'
import { packedNode } from './operators.ts'

/** A stretch of an encoder whose tokens are packed. Values that methods compute next to it must not be: they may use padding, too (numbers for all positions). */
export interface Segment extends Stretch {
  readonly batch: Dim
  /** Values of the graph: bool [b,n] which tokens are real; int64 [t] where they are; int64 [b+1] where examples begin. */
  readonly real: string
  readonly positions: string
  readonly offsets: string
  /** Values that mark padding, with the number by which each does. */
  readonly marks: ReadonlyMap<string, number>
}

/** The segments whose examples can have different numbers of tokens. The count of real ones is written into the graph. */
export function writeSegments(program: Program, encoder: Encoder): Segment[] {
  const cuts = encoder.earlier?.cuts ?? []
  const [first] = encoder.layers as [Layer]
  return [first.input, ...cuts.map(({ after }) => after)].flatMap((from, i) => {
    const next = cuts[i]
    const ends = next === undefined ? program.graph.outputs.map(({ name }) => name) : [next.before]
    const own = new Set(ends.flatMap((end) => [...program.before(end, from)]))
    const segment = writeSegment(program, encoder, from, cuts.slice(0, i))
    return segment === undefined ? [] : [{ ...segment, own }]
  })
}

/** Packs one token of padding of each example that has some, so that what the model makes of padding is known. */
export function keepPadding({ graph }: Program, { real, positions, offsets }: Segment): void {
  graph.remove(graph.producer(positions) as NodeProto)
  graph.insert([packedNode('Rows_padding', { attended: real }, { positions, offsets })])
}

function writeSegment(
  program: Program,
  encoder: Encoder,
  from: string,
  cuts: readonly CutRecord[],
): Omit<Segment, 'own'> | undefined {
  const [batch, count] = program.tensor(from).dims as [Dim, Dim, Dim]
  // Where the file fixes the length, shapes inside have it as a number, which could not be distinguished from others.
  if (typeof count === 'number') return undefined
  const { names, value } = new Operands(program)
  const marks = encoder.mask === undefined ? undefined : attendedTokens(value(encoder.mask, ['B', 'N']), encoder)
  const attended = attendedAfter(program, marks && ofEveryExample(program, encoder, marks, value), cuts, value)
  if (attended === undefined) return undefined
  const prefix = `tp/packed_${cuts.length}`
  const { name } = program.write(attended, names, { prefix: `${prefix}/real`, dims: [[batch, count]] })
  const { graph } = program
  const [positions, offsets] = ['places', 'offsets'].map((part) => graph.uniqueName(`${prefix}/${part}`)) as [
    string,
    string,
  ]
  graph.insert([packedNode('Rows', { attended: name }, { positions, offsets })])
  return {
    from,
    batch,
    count,
    real: name,
    positions,
    offsets,
    marks: marksOf(program, encoder, cuts),
    size: cuts.at(-1)?.size,
  }
}

/** One row of a mask [1,N] may stand for all examples, where the model stretches it. */
function ofEveryExample(
  program: Program,
  { mask = '', layers: [first] }: Encoder,
  attended: Tensor,
  value: Operands['value'],
): Tensor {
  const inputs = program.inputsOf(mask)
  if (!program.assumedSizes.some(({ input, axis }) => axis === 0 && inputs.has(input))) return attended
  const tokens = value((first as Layer).input, ['B', 'N', 'D'])
  return expand(attended, concat([axisSize(tokens, 0), axisSize(tokens, 1)], 0))
}

function marksOf(program: Program, encoder: Encoder, cuts: readonly CutRecord[]): Map<string, number> {
  const { mask, maskMarksPadding } = encoder
  const input = maskInput(program, encoder)
  return new Map([
    ...(mask === undefined ? [] : [[mask, Number(maskMarksPadding)] as const]),
    ...(input === undefined ? [] : [[input.name, input.padding] as const]),
    ...cuts.flatMap(({ valid }) => (valid === undefined ? [] : [[valid, 0] as const])),
  ])
}
