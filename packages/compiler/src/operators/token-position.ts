import {
  add,
  argMax,
  axisSize,
  cast,
  type Dim,
  equal,
  gather,
  gatherND,
  less,
  reshape,
  slice,
  sub,
  subDims,
  type Tensor,
  unsqueeze,
  where,
} from '@tp/core'
import { createNode, type NodeProto } from '@tp/onnx'
import type { Named, Program } from '../program/program.ts'
import type { InsertedCut } from '../transform/insert.ts'
import type { Rows } from '../transform/rows.ts'
import { type Flow, placeholder } from './flow.ts'

/**
 * The place of a token that the model reads and that is not among the leading ones: so many from the end (1: the last
 * one), or where integers of the graph, one for each row, say.
 */
export type TokenPlace = { readonly fromEnd: number } | { readonly index: string }

/** Equal for equal places. */
export function placeKey(place: TokenPlace): string {
  return 'fromEnd' in place ? `-${place.fromEnd}` : place.index
}

/** A read of one token of every row. */
export interface PlaceRead {
  readonly node: NodeProto
  readonly place: TokenPlace
}

/** The place that an index or the start of a slice to the end names, if it is the last one. */
export function lastPlace(flow: Flow, index: Dim | undefined): TokenPlace | undefined {
  const isLast = index === -1 || index === subDims(flow.count, 1) || (index !== 0 && index === subDims(flow.before, 1))
  return isLast ? { fromEnd: 1 } : undefined
}

/**
 * The place that a GatherND or GatherElements on [b,n,…] reads in every row, if it is one token of each: by pairs
 * (row, token) [b,2], by [b,1] with rows as batch, or by [b,1,1] that repeats for every feature. Indices must not come
 * from the tokens themselves.
 */
export function indexedPlace(flow: Flow, node: NodeProto): TokenPlace | undefined {
  const [data, indices] = node.input as [string, string]
  const index = node.opType === 'GatherND' ? indexOfRows(flow, node, data, indices) : repeatedIndex(flow, indices)
  if (index === undefined) return undefined
  const sources = flow.program.before(index)
  return [...flow.changed.keys()].some((name) => sources.has(name)) ? undefined : { index }
}

function indexOfRows({ program }: Flow, node: NodeProto, data: string, indices: string): string | undefined {
  const batchDims = Number(node.attribute.find(({ name }) => name === 'batch_dims')?.i ?? 0)
  const { rank, dims } = program.tensor(indices)
  if (rank !== 2) return undefined
  if (batchDims === 1) return dims[1] === 1 ? indices : undefined
  const pair = program.graph.producer(through(program, indices, renaming))
  if (dims[1] !== 2 || pair?.opType !== 'Concat' || pair.input.length !== 2) return undefined
  const [rows, tokens] = pair.input as [string, string]
  return numbersRows(program, rows, program.tensor(data).dims[0] as Dim) ? tokens : undefined
}

function repeatedIndex({ program }: Flow, indices: string): string | undefined {
  const name = through(program, indices, new Set([...renaming, 'Expand']))
  const { rank, dims } = program.tensor(name)
  return program.tensor(indices).dims[1] === 1 && rank === 3 && dims[1] === 1 && dims[2] === 1 ? name : undefined
}

/** Operators that change no integer. */
export const renaming: ReadonlySet<string> = new Set(['Cast', 'Identity'])
const reshaping: ReadonlySet<string> = new Set([...renaming, 'Expand', 'Unsqueeze', 'Squeeze', 'Reshape'])

/** The value that operators of some types were applied to. */
export function through(program: Program, name: string, types: ReadonlySet<string>): string {
  const node = program.graph.producer(name)
  return node !== undefined && types.has(node.opType) ? through(program, node.input[0] as string, types) : name
}

/** True if a value is 0, 1, 2, … for the rows of the batch. */
export function numbersRows(program: Program, name: string, batch: Dim): boolean {
  const { value } = program.tensor(name)
  if (value !== undefined && value.length === batch && value.every((row, i) => row === i)) return true
  const range = program.graph.producer(through(program, name, reshaping))
  if (range?.opType !== 'Range') return false
  const [start, limit, step] = range.input.map((input) => program.tensor(input).value?.[0])
  return start === 0 && step === 1 && limit === batch
}

/**
 * Writes a place as float [b,1], or [1,1] where it is the same for all rows: the token's index in the model's input.
 * `stream`: what the first block reads.
 */
export function writePlace(program: Program, stream: string, place: TokenPlace): Named {
  const whole = placeholder(stream, program.tensor(stream), program.tensor(stream).dims)
  const names = new Map([[whole, stream]])
  const count = cast(axisSize(whole, 1), 'float32')
  if ('fromEnd' in place) {
    return program.write(unsqueeze(sub(count, place.fromEnd), [0]), names, { prefix: 'tp/place', dims: [[1, 1]] })
  }
  const actual = program.tensor(place.index)
  const index = placeholder(place.index, actual, actual.dims)
  const rows = cast(reshape(index, [-1, 1]), 'float32')
  const fromFront = where(less(rows, 0), add(rows, count), rows)
  const dims = [[program.tensor(stream).dims[0] as Dim, 1]]
  return program.write(fromFront, new Map([...names, [index, place.index]]), { prefix: 'tp/place', dims })
}

/** The one token of each row that is at a place. */
export function placedRows(program: Program, place: TokenPlace): Rows {
  if ('fromEnd' in place) {
    const { fromEnd } = place
    return { along: (x, axis) => slice(x, { axis, start: -fromEnd, ...(fromEnd > 1 && { end: 1 - fromEnd }) }) }
  }
  const actual = program.tensor(place.index)
  const index = placeholder(place.index, actual, actual.dims)
  return {
    perRow: (x) => gatherND(x, reshape(index, [-1, 1, 1]), 1),
    shared: (x) => gather(x, reshape(index, [-1, 1]), 0),
    names: new Map([[index, place.index]]),
  }
}

/** Makes a read of one token of each row read the only one that there is. */
export function readOnly(program: Program, node: NodeProto): void {
  readInstead(program, node, (x) => gather(x, 0, 1), new Map(), 'tp/leading')
}

/**
 * Makes reads of single tokens find them among those that are left behind the last cut before each read. `places`: what
 * {@link writePlace} wrote for each read; `restored`: where all tokens are there again.
 */
export function readKept(
  program: Program,
  reads: readonly PlaceRead[],
  places: readonly string[],
  cuts: readonly InsertedCut[],
  restored: string | undefined,
): void {
  for (const [i, { node }] of reads.entries()) {
    const sources = program.before(node.input[0] as string)
    const cut = cuts.findLast(({ after }) => sources.has(after))
    if (cut === undefined || (restored !== undefined && sources.has(restored))) continue
    rewriteRead(program, node, places[i] as string, cut)
  }
}

function rewriteRead(program: Program, node: NodeProto, place: string, cut: InsertedCut): void {
  const [position, original] = [cut.position, place].map((name) => {
    const actual = program.tensor(name)
    return placeholder(name, actual, actual.dims)
  }) as [Tensor, Tensor]
  const slot = argMax(cast(equal(position, original), 'float32'), 1, { keepDims: true })
  const names = new Map([
    [position, cut.position],
    [original, place],
  ])
  readInstead(program, node, (x) => gatherND(x, slot, 1), names, `tp/block_${cut.block}`)
}

/** Makes what a read of one token gives come from an expression over what it reads: x [b,n,…] → [b,…]. */
function readInstead(
  program: Program,
  node: NodeProto,
  token: (x: Tensor) => Tensor,
  names: ReadonlyMap<Tensor, string>,
  prefix: string,
): void {
  const { graph } = program
  const [data, output] = [node.input[0] as string, node.output[0] as string]
  const x = placeholder(data, program.tensor(data), program.tensor(data).dims)
  const { rank, dims } = program.tensor(output)
  const expression = rank === x.rank ? unsqueeze(token(x), [1]) : token(x)
  const all = new Map([...names, [x, data]])
  const written = program.write(expression, all, { prefix, before: node, dims: [dims] })
  if (!graph.isOutput(output)) {
    graph.replaceAllUses(output, written.name)
    return
  }
  graph.renameOutput(node, 0, graph.uniqueName(`${output}/whole`))
  graph.insert([createNode({ type: 'Identity', name: output, inputs: [written.name], outputs: [output] })])
  graph.replaceAllUses(node.output[0] as string, output)
}
