import { type Dim, subDims } from '@tp/core/expression'
import type { NodeProto } from '@tp/onnx'
import { type Flow, hasTraitIn, operatorName, type TokenPosition, type Trait } from './operator.ts'

/** Equal for equal positions. */
export function positionKey(position: TokenPosition): string {
  return 'fromEnd' in position ? `-${position.fromEnd}` : position.index
}

/** A read of one token of every example. */
export interface PositionRead {
  readonly node: NodeProto
  readonly position: TokenPosition
  /** The position counts the tokens that an earlier pruning has kept; absent: those of the input. */
  readonly amongKept?: true
}

/** The position that an index or the start of a slice to the end names, if it is the last one. */
export function lastPosition(flow: Flow, index: Dim | undefined): TokenPosition | undefined {
  const isLast = index === -1 || index === subDims(flow.count, 1) || (index !== 0 && index === subDims(flow.before, 1))
  return isLast ? { fromEnd: 1 } : undefined
}

/**
 * The position that a GatherND or GatherElements on [b,n,…] reads in every example, if it is one token of each: by pairs
 * (example, token) [b,2], by [b,1] or [b,1,1] with the examples as batch, or by [b,1,1] that repeats for every feature. Indices must not come
 * from the tokens themselves.
 */
export function indexedPosition(flow: Flow, node: NodeProto): TokenPosition | undefined {
  const [data, indices] = node.input as [string, string]
  const index = node.opType === 'GatherND' ? indexOfRows(flow, node, data, indices) : repeatedIndex(flow, indices)
  if (index === undefined) return undefined
  const sources = flow.program.before(index)
  return [...flow.changed.keys()].some((name) => sources.has(name)) ? undefined : { index }
}

function indexOfRows(flow: Flow, node: NodeProto, data: string, indices: string): string | undefined {
  const { program } = flow
  const batchDims = Number(node.attribute.find(({ name }) => name === 'batch_dims')?.i ?? 0)
  const { rank, dims } = program.tensor(indices)
  // [b,1,1] keeps the axis of the tokens: so does pruning where it computes the read token alone. Several reads may have added axes of their own.
  if (batchDims === 1 && rank >= 2 && dims.slice(1).every((dim) => dim === 1))
    return through(flow, indices, 'joined axes', 'unit axes')
  if (rank !== 2) return undefined
  const pair = program.graph.producer(through(flow, indices, 'same values'))
  if (dims[1] !== 2 || pair?.opType !== 'Concat' || pair.input.length !== 2) return undefined
  const [rows, tokens] = pair.input as [string, string]
  return numbersRows(flow, rows, program.tensor(data).dims[0] as Dim) ? tokens : undefined
}

function repeatedIndex(flow: Flow, indices: string): string | undefined {
  const { program } = flow
  const name = through(flow, indices, 'same values', 'broadcast values')
  const { rank, dims } = program.tensor(name)
  return program.tensor(indices).dims[1] === 1 && rank === 3 && dims[1] === 1 && dims[2] === 1 ? name : undefined
}

/** The value that operators with one of some traits were applied to. */
export function through(known: Known, name: string, ...traits: readonly Trait[]): string {
  const node = known.program.graph.producer(name)
  const isPassed = node !== undefined && hasTraitIn(known.operators, operatorName(node), ...traits)
  return isPassed ? through(known, node.input[0] as string, ...traits) : name
}

/** A program, and what is known of its operators. */
type Known = Pick<Flow, 'program' | 'operators'>

/** True if a value is 0, 1, 2, … for the examples of the batch. */
export function numbersRows(known: Known, name: string, batch: Dim): boolean {
  const { program } = known
  const { value } = program.tensor(name)
  if (value !== undefined && value.length === batch && value.every((row, i) => row === i)) return true
  const range = program.graph.producer(
    through(known, name, 'same values', 'broadcast values', 'joined axes', 'unit axes'),
  )
  if (range?.opType !== 'Range') return false
  const [start, limit, step] = range.input.map((input) => program.tensor(input).value?.[0])
  return start === 0 && step === 1 && limit === batch
}
