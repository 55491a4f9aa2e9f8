import {
  add,
  argMax,
  axisSize,
  cast,
  equal,
  gather,
  gatherND,
  less,
  reshape,
  slice,
  sub,
  type Tensor,
  unsqueeze,
  where,
} from '@tp/core'
import type { Dim } from '@tp/core/expression'
import { createNode, type NodeProto } from '@tp/onnx'
import { placeholder } from '../operators/flow.ts'
import type { TokenPosition } from '../operators/operator.ts'
import type { PositionRead } from '../operators/token-position.ts'
import type { Named, Program } from '../program/program.ts'
import type { InsertedCut } from './cut.ts'
import type { Pruning } from './pruning.ts'
import type { Rows } from './rows.ts'

/**
 * Writes a position as float [b,1], or [1,1] where it is the same for all examples: the token's index in the model's input.
 * `stream`: what the first layer reads.
 */
export function writePosition(program: Program, stream: string, position: TokenPosition): Named {
  const whole = placeholder(stream, program.tensor(stream), program.tensor(stream).dims)
  const names = new Map([[whole, stream]])
  const count = cast(axisSize(whole, 1), 'float32')
  if ('fromEnd' in position) {
    return program.write(unsqueeze(sub(count, position.fromEnd), [0]), names, { prefix: 'tp/position', dims: [[1, 1]] })
  }
  const actual = program.tensor(position.index)
  const index = placeholder(position.index, actual, actual.dims)
  const rows = cast(reshape(index, [-1, 1]), 'float32')
  const fromFront = where(less(rows, 0), add(rows, count), rows)
  const dims = [[program.tensor(stream).dims[0] as Dim, 1]]
  return program.write(fromFront, new Map([...names, [index, position.index]]), { prefix: 'tp/position', dims })
}

/** The one token of each example that is at a position. */
export function placedRows(program: Program, position: TokenPosition): Rows {
  if ('fromEnd' in position) {
    const { fromEnd } = position
    return { along: (x, axis) => slice(x, { axis, start: -fromEnd, ...(fromEnd > 1 && { end: 1 - fromEnd }) }) }
  }
  const actual = program.tensor(position.index)
  const index = placeholder(position.index, actual, actual.dims)
  return {
    perRow: (x) => gatherND(x, reshape(index, [-1, 1, 1]), 1),
    shared: (x) => gather(x, reshape(index, [-1, 1]), 0),
    names: new Map([[index, position.index]]),
  }
}

/** Makes a read of one token of each example read the only one that there is. */
export function readOnly(program: Program, node: NodeProto): void {
  readInstead(program, node, (x) => gather(x, 0, 1), new Map(), 'tp/leading')
}

/** Makes reads of single tokens find them among those that are kept. */
export function findReadTokens({ program, encoder, positions, cuts, points }: Pruning): void {
  readKept(program, encoder.positionReads, positions, cuts, points.at(-1)?.to)
}

/**
 * Makes reads of single tokens find them among those that are kept by the last cut before each read. `positions`: what
 * {@link writePosition} wrote for each read; `restored`: where all tokens are there again.
 */
function readKept(
  program: Program,
  reads: readonly PositionRead[],
  positions: readonly string[],
  cuts: readonly InsertedCut[],
  restored: string | undefined,
): void {
  for (const [i, { node }] of reads.entries()) {
    const sources = program.before(node.input[0] as string)
    const cut = cuts.findLast(({ after }) => sources.has(after))
    if (cut === undefined || (restored !== undefined && sources.has(restored))) continue
    rewriteRead(program, node, positions[i] as string, cut)
  }
}

function rewriteRead(program: Program, node: NodeProto, input: string, cut: InsertedCut): void {
  const [current, original] = [cut.position, input].map((name) => {
    const actual = program.tensor(name)
    return placeholder(name, actual, actual.dims)
  }) as [Tensor, Tensor]
  const slot = argMax(cast(equal(current, original), 'float32'), 1, { keepDims: true })
  const names = new Map([
    [current, cut.position],
    [original, input],
  ])
  readInstead(program, node, (x) => gatherND(x, slot, 1), names, `tp/layer_${cut.layer}`)
}

/** Replaces the result of a read of one token by an expression over what it reads: x [b,n,…] → [b,…]. */
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
