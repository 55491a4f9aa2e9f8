import { type Tensor, transpose } from '@tp/core'
import { createNode, type NodeProto } from '@tp/onnx'
import { returnsFirst } from '../operators/traits.ts'
import { Operands } from '../program/operands.ts'
import type { Program } from '../program/program.ts'
import type { Added } from './added.ts'
import type { Expansion } from './expansion.ts'
import { type RowRead, rowReads } from './row-reads.ts'

/** How others can read the inside of an expansion once the operator is back. */
export interface InnerReads {
  /** Nodes inside that are kept: they only lay out what the operator outputs, or cost nothing. */
  readonly kept: ReadonlySet<NodeProto>
  /** A result of the operator, by its index in {@link Expansion.exposed}. */
  readonly exposed: ReadonlySet<number>
  /** Reads of a few rows, and by its index in {@link Expansion.rowwise} what they read. */
  readonly rows: ReadonlyMap<RowRead, number>
}

/** Undefined if something is read that only the nodes inside compute, such as the probabilities. */
export function innerReads(program: Program, expansion: Expansion, added: Added | undefined): InnerReads | undefined {
  const { graph } = program
  const inside = new Set(added === undefined ? expansion.nodes : [...expansion.nodes, added.node])
  const reads = { kept: new Set<NodeProto>(), exposed: new Set<number>(), rows: new Map<RowRead, number>() }
  const results = new Set([...expansion.outputs.values()].map(({ node, index }) => node.output[index]))
  const have = (name: string): boolean => {
    const producer = graph.producer(name)
    if (producer === undefined || !inside.has(producer) || results.has(name)) return true
    const index = expansion.exposed.findIndex(({ source }) => source.node.output[source.index] === name)
    if (index >= 0) {
      reads.exposed.add(index)
      return true
    }
    // Moving elements and cutting weights up do not take long.
    if (!returnsFirst(producer) && !isSmall(program.tensor(name))) return false
    reads.kept.add(producer)
    return producer.input.every(have)
  }
  for (const inner of expansion.nodes) {
    for (const name of inner.output) {
      if (name === '' || results.has(name)) continue
      if (graph.producer(name) !== inner || graph.isOutput(name)) return undefined
      const readers = graph.consumers(name).filter((use) => !inside.has(use.node))
      if (readers.length === 0) continue
      const rowwise = expansion.rowwise.findIndex(({ source }) => source.node.output[source.index] === name)
      const rows = rowwise < 0 ? [undefined] : readers.map(({ node }) => rowReads(program, node))
      if (rows.every((read) => read !== undefined)) {
        for (const read of rows.flat()) reads.rows.set(read, rowwise)
      } else if (!have(name)) return undefined
    }
  }
  // The parts of weights that rows are made with are kept, too.
  for (const rowwise of new Set(reads.rows.values())) {
    const { node } = (expansion.rowwise[rowwise] as Expansion['rowwise'][number]).source
    if (!rowOperands(program, expansion, node, rowwise).every(have)) return undefined
  }
  return reads
}

/** Scales and biases: no matrix. */
function isSmall({ hasShape, dims }: Tensor): boolean {
  return hasShape && dims.length <= 1
}

/** Nodes from the input to a rowwise value, and whether a name is on that way. */
function onTheWay(program: Program, { nodes, node: fused }: Expansion, input: number): (name: string) => boolean {
  const inside = new Set(nodes)
  const x = fused.input[input]
  const known = new Map<string, boolean>()
  const on = (name: string): boolean => {
    const producer = program.graph.producer(name)
    const seen = known.get(name)
    if (seen !== undefined) return seen
    const is = name === x || (producer !== undefined && inside.has(producer) && producer.input.some(on))
    known.set(name, is)
    return is
  }
  return on
}

function rowOperands(program: Program, expansion: Expansion, last: NodeProto, rowwise: number): string[] {
  const { input } = expansion.rowwise[rowwise] as Expansion['rowwise'][number]
  const on = onTheWay(program, expansion, input)
  const inside = new Set(expansion.nodes)
  return last.input.flatMap((name) => {
    const producer = program.graph.producer(name)
    if (!on(name)) return [name]
    return producer === undefined || !inside.has(producer) ? [] : rowOperands(program, expansion, producer, rowwise)
  })
}

/** Computes rows of a rowwise value from the same rows of the input, for the nodes that read them. */
export function writeRows(
  program: Program,
  expansion: Expansion,
  { node, take, positions }: RowRead,
  rowwise: number,
): void {
  const { graph } = program
  const { input: index, source } = expansion.rowwise[rowwise] as Expansion['rowwise'][number]
  const x = expansion.node.input[index] as string
  const options = { prefix: `${expansion.node.output[0]}/rows`, before: node }
  const { names, value } = new Operands(program)
  const rows = program.write(
    take(value(x), positions === undefined ? undefined : value(positions)),
    names,
    options,
  ).name
  const on = onTheWay(program, expansion, index)
  const copy = (name: string): string => {
    if (name === x) return rows
    if (!on(name)) return name
    const producer = graph.producer(name) as NodeProto
    const output = graph.uniqueName(`${options.prefix}/${producer.opType}`)
    const inputs = producer.input.map(copy)
    const twin = createNode({
      type: producer.opType,
      domain: producer.domain,
      name: output,
      inputs,
      outputs: [output],
    })
    twin.attribute = producer.attribute
    graph.insert([twin], node)
    const [tensor] = program.infer(
      twin,
      inputs.map((name) => (name === '' ? undefined : program.tensor(name))),
    )
    program.setTensor(output, tensor as Tensor)
    return output
  }
  const result = copy(source.node.output[source.index] as string)
  const rowsNow =
    positions === undefined ? result : program.write(transpose(value(result), [0, 2, 1, 3]), names, options).name
  graph.replaceAllUses(node.output[0] as string, rowsNow)
}
