import type { NodeProto } from '@tp/onnx'
import { knownRowAxes } from '../operators/row-axes.ts'
import { hasTrait, returnsFirst } from '../operators/traits.ts'
import type { Program } from '../program/program.ts'
import type { TokenAxis } from './token-axis.ts'

/** A sum over the mask, by which the model divides: it counts the tokens that are pooled, so it has to follow them. */
export interface PoolCount {
  readonly node: NodeProto
  /** Axis of its input that counts tokens. */
  readonly axis: number
}

/** Values of the graph that say what counts tokens for a pooling. */
export interface PoolValues {
  /** See `findMask`. */
  readonly mask: string | undefined
  /** Of the last layer: what layers or embeddings count is not for pooling. */
  readonly site: string
  /** int64 [b,k,1] of the last earlier cut: what it has taken has the tokens that it keeps. */
  readonly indices: string | undefined
}

/** Operators that keep a count above 0, or make a norm of it, besides those that change its layout. */
const ofCounts = new Set(['Clip', 'Max', 'Min', 'Add', 'Where', 'Sqrt'])

/**
 * Sums over tokens of values that do not come from the tokens themselves, by which something is divided after the
 * layers. A sum of masked states over their number: once tokens are pruned, both are about the kept ones.
 *
 * Which axes are token axes is proved by where such values meet the tokens.
 */
export function findPoolCounts(program: Program, tokens: TokenAxis, { mask, site, indices }: PoolValues): PoolCount[] {
  const axes = tokenAxes(program, tokens, mask, indices)
  const inside = program.before(site)
  return [...axes].flatMap(([name, axis]) =>
    program.graph.consumers(name).flatMap(({ node, index }) => {
      const output = node.output[0] as string
      if (node.opType !== 'ReduceSum' || index !== 0 || inside.has(output)) return []
      const { axes: summed } = program.tensor(output).node.attributes as { axes?: readonly number[] }
      return (summed?.includes(axis) ?? true) && isDividedBy(program, output) ? [{ node, axis }] : []
    }),
  )
}

function isDividedBy(program: Program, name: string): boolean {
  return program.graph.consumers(name).some(({ node, index }) => {
    if (node.opType === 'Reciprocal' || (node.opType === 'Div' && index === 1)) return true
    return (ofCounts.has(node.opType) || returnsFirst(node)) && isDividedBy(program, node.output[0] as string)
  })
}

/** The token axis of each value that has one and does not come from the tokens. */
function tokenAxes(
  program: Program,
  { count, changed, taken }: TokenAxis,
  mask: string | undefined,
  indices: string | undefined,
): Map<string, number> {
  const axes = new Map<string, number>()
  const queue: string[] = []
  const note = (name: string, axis: unknown): void => {
    if (typeof axis !== 'number' || changed.has(name) || axes.has(name)) return
    if (!program.dependsOnInputs(name) || program.tensor(name).dims[axis] !== count) return
    axes.set(name, axis)
    queue.push(name)
  }
  for (const { name, axes: own } of taken) note(name, own.length === 1 ? own[0] : undefined)
  if (mask !== undefined) note(mask, 1)
  if (indices !== undefined) for (const name of takenBy(program, indices)) note(name, 1)
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const axis = axes.get(name) as number
    const producer = program.graph.producer(name)
    if (producer !== undefined) {
      for (const [i, row] of (knownRowAxes(program, name, axis, count) ?? []).entries())
        note(producer.input[i] as string, row)
    }
    for (const { node, index } of program.graph.consumers(name)) {
      const output = node.output[0]
      if (index < 0 || output === undefined || !program.tensor(output).hasShape) continue
      for (const position of program.tensor(output).dims.keys()) {
        if (knownRowAxes(program, output, position, count)?.[index] === axis) note(output, position)
      }
    }
  }
  return axes
}

/** The rows that an earlier cut takes of values that do not come from its tokens, [b,k,…]: see `keptRows`. */
function takenBy(program: Program, indices: string): string[] {
  return program.graph.consumers(indices).flatMap(({ node, index }) => {
    const output = node.output[0] as string
    if (hasTrait(node, 'unit axes')) return takenBy(program, output)
    return index === 1 && (node.opType === 'GatherND' || node.opType === 'Gather') ? [output] : []
  })
}
