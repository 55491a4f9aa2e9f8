import type { NodeProto } from '@tp/onnx'
import { knownRowAxes } from '../operators/row-axes.ts'
import { hasTrait } from '../operators/traits.ts'
import type { Program } from '../program/program.ts'
import { type Division, divisionsOf, isDividedBy } from './count-divisions.ts'
import type { TokenAxis } from './token-axis.ts'

/**
 * A number of tokens that does not come from the tokens themselves, as a rule the sum of a mask, by which what comes from them is divided. Once
 * tokens are pruned, both have to be about the kept ones.
 */
export interface PoolCount {
  readonly node: NodeProto
  /** Axis of its input that counts tokens. */
  readonly axis: number
  /** Where it divides; undefined where no division was found that what comes from tokens reaches. */
  readonly division?: Division
  /** Why it cannot follow the kept tokens. */
  readonly obstacle?: 'form' | 'layer'
}

/** Values of the graph that say what counts tokens for a pooling. */
export interface PoolValues {
  /** See `findMask`. */
  readonly mask: string | undefined
  /** Of the last layer. */
  readonly site: string
  /** int64 [b,k,1] of the last earlier cut: what it has taken has the tokens that it keeps. */
  readonly indices: string | undefined
}

/**
 * Counts of tokens by which something is divided that comes from the tokens: in a mean, the sum of masked states over their number.
 *
 * Which axes are token axes is proved by where such values meet the tokens, or by the name of their size.
 */
export function findPoolCounts(program: Program, tokens: TokenAxis, { mask, site, indices }: PoolValues): PoolCount[] {
  const axes = tokenAxes(program, tokens, mask, indices)
  const [stream = ''] = tokens.changed.keys()
  const derived = program.after(stream)
  const inside = program.before(site)
  const found: PoolCount[] = []
  for (const { node, name, axis } of readersOf(program, tokens, axes)) {
    const output = node.output[0] as string
    const row = axes.get(output)
    const isByRow = row !== undefined && knownRowAxes(program, output, row, tokens.count)?.[0] === axis
    if (derived.has(output) || isByRow) continue
    const isCount = hasTrait(node, 'reduction') && isSummed(program, node, axis)
    const divisions = divisionsOf(program, output, derived, { isWeight: node.opType === 'Softmax' })
    for (const division of divisions) {
      // The sizes of a file that was pruned before were written next to the count, and follow it.
      const isPlain = isCount && (indices !== undefined || !isScaled(program, node, division))
      const obstacle = inside.has(division.node.output[0] as string) ? 'layer' : isPlain ? undefined : 'form'
      found.push({ node, axis, division, ...(obstacle && { obstacle }) })
    }
    const isAlone = divisions.length === 0 && node.opType === 'ReduceSum' && isCount && !inside.has(output)
    if (isAlone && axes.has(name) && isDividedBy(program, output)) found.push({ node, axis })
  }
  return found
}

/**
 * Whether a count is calculated with a number of all tokens, as n · mean(mask), which would not follow the kept ones: with a size of
 * the inputs, or, of a mean, with any factor, which is n as a number where the length is fixed.
 */
function isScaled(program: Program, count: NodeProto, { path }: Division): boolean {
  const derived = program.after(count.output[0] as string)
  const isSize = (name: string): boolean => {
    const { hasShape, dims } = program.tensor(name)
    if (!hasShape || dims.some((dim) => dim !== 1)) return false
    return [...program.upstream([name])].some(({ input }) => input.some((source) => program.isInput(source)))
  }
  return path.some(({ node, index }) => {
    const others = node.input.filter((name, i) => i !== index && !derived.has(name))
    const isFactor = hasTrait(count, 'average') && hasTrait(node, 'factor')
    return hasTrait(node, 'arithmetic') && others.some((name) => isFactor || isSize(name))
  })
}

/** Readers of values along an axis of theirs that counts tokens. */
function readersOf(
  program: Program,
  { count, changed }: TokenAxis,
  axes: ReadonlyMap<string, number>,
): { readonly node: NodeProto; readonly name: string; readonly axis: number }[] {
  const proved = [...axes].flatMap(([name, axis]) =>
    program.graph
      .consumers(name)
      .filter(({ index }) => index === 0)
      .map(({ node }) => ({ node, name, axis })),
  )
  if (typeof count !== 'string') return proved
  const known = new Set(proved.map(({ node }) => node))
  const named = program.graph.nodes.flatMap((node) => {
    const [name = ''] = node.input
    if (!hasTrait(node, 'reduction') || known.has(node) || changed.has(name) || !program.dependsOnInputs(name))
      return []
    const axis = program.tensor(name).hasShape ? program.tensor(name).dims.indexOf(count) : -1
    return axis < 0 ? [] : [{ node, name, axis }]
  })
  return [...proved, ...named]
}

function isSummed(program: Program, node: NodeProto, axis: number): boolean {
  const { axes } = program.tensor(node.output[0] as string).node.attributes as { axes?: readonly number[] }
  return axes?.includes(axis) ?? true
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
