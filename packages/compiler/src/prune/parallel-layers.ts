import type { NodeProto } from '@tp/onnx'
import { change } from '../operators/flow.ts'
import type { Flow, RowAxis } from '../operators/operator.ts'
import { knownRowAxes } from '../operators/row-axes.ts'
import { hasTrait } from '../operators/traits.ts'
import type { Program } from '../program/program.ts'

/**
 * Parallel layers add a feed-forward of the same stream to the attention: x + a(x) + f(x). Its tokens are pruned where it
 * begins, not where it is added, so that it is not computed for pruned tokens. `after`: the stream after the cut.
 */
export function takeParallelBranch(flow: Flow, after: string): void {
  const { program } = flow
  for (const { node: sum } of program.graph.consumers(after)) {
    if (!hasTrait(sum, 'sum')) continue
    const branch = sum.input.find((name) => name !== after && program.dependsOnInputs(name))
    if (branch === undefined || isDownstream(program, branch, after) || !isReadOnce(program, branch)) continue
    for (const { node, index, axis } of beginnings(program, branch)) {
      const whole = node.input[index] as string
      const taken = flow.take(whole, [axis], program.tensor(whole).rank, node)
      flow.rewire(node, index, taken.name)
      change(flow, taken.name, taken.tensor)
    }
  }
}

function isDownstream(program: Program, name: string, after: string): boolean {
  return program.before(name).has(after)
}

/** False for a skip connection, which all its readers need whole: the states of an earlier layer. */
function isReadOnce({ graph }: Program, name: string): boolean {
  return graph.consumers(name).length === 1 && !graph.isOutput(name)
}

/** A read of a value with one row for each token. */
interface ParallelRead {
  readonly node: NodeProto
  readonly index: number
  readonly axis: number
}

/** Where what is computed for `name` [b,n,D] alone, each token for itself, begins. */
function beginnings(program: Program, name: string): ParallelRead[] {
  const { graph } = program
  const inside = new Map<string, number>([[name, 1]])
  const nodes = new Set<NodeProto>()
  const reads: ParallelRead[] = []
  for (const node of [...graph.nodes].reverse()) {
    const [output] = node.output
    const axis = output === undefined ? undefined : inside.get(output)
    if (output === undefined || axis === undefined || node.output.some((other) => other !== '' && !inside.has(other)))
      continue
    const rows = rowsOf(program, node, axis)
    const data = node.input.flatMap((input, index) =>
      input !== '' && program.dependsOnInputs(input) && rows[index] !== undefined ? [{ input, index }] : [],
    )
    if (data.length === 0 || data.some(({ index }) => typeof rows[index] !== 'number')) continue
    nodes.add(node)
    for (const { index } of data) reads.push({ node, index, axis: rows[index] as number })
    for (const { input, index } of data) {
      const own = graph.consumers(input).every((use) => nodes.has(use.node)) && !graph.isOutput(input)
      if (own && graph.producer(input) !== undefined) inside.set(input, rows[index] as number)
    }
  }
  return reads.filter(({ node, index }) => {
    const producer = graph.producer(node.input[index] as string)
    return producer === undefined || !nodes.has(producer)
  })
}

/** For each input, the axis whose rows decide those of axis `axis` of the result. */
function rowsOf(program: Program, node: NodeProto, axis: number): readonly RowAxis[] {
  const name = node.output[0] as string
  const output = program.tensor(name)
  // Only the shape of a value that an edit has written is known.
  if (output.node.op.name === 'Input' || !output.hasShape) return []
  // A fixed number of tokens may be any other size, too.
  if (typeof output.dims[axis] === 'number' && hasTrait(node, 'joined axes')) return []
  return knownRowAxes(program, name, axis) ?? []
}
