import { axisSize, concat, gatherND, range, squeeze, unsqueeze } from '@tp/core'
import type { Dim } from '@tp/core/expression'
import { createNode, type NodeProto } from '@tp/onnx'
import { placeholder } from '../operators/flow.ts'
import { integerAttribute } from '../operators/node-inputs.ts'
import { operators } from '../operators/table.ts'
import { numbersRows, through } from '../operators/token-position.ts'
import { operatorOf, returnsFirst } from '../operators/traits.ts'
import type { Program } from '../program/program.ts'
import type { NormalizePass } from './normalize-pass.ts'

/**
 * Where x[arange(b), index] was exported as a read of x as [b·n,D] at i·n + index_i, it becomes a GatherND by pairs
 * (example, token). In place; true if there are any. Reads whose index may be negative are left alone: they are of another example.
 */
export const readByExample: NormalizePass = {
  name: 'read tokens by example',
  run: ({ program }) => rewriteFlatReads(program),
}

function rewriteFlatReads(program: Program): boolean {
  const { graph, opset } = program
  // Before it there is no GatherND.
  if (opset < 11) return false
  const reads = graph.nodes.flatMap((node) => flatRead(program, node) ?? [])
  for (const { node, data, index, sum } of reads) {
    const x = placeholder(data, program.tensor(data), program.tensor(data).dims)
    const positions = placeholder(index, program.tensor(index), program.tensor(index).dims)
    const names = new Map([
      [x, data],
      [positions, index],
    ])
    const output = node.output[0] as string
    const pairs = [range(0, squeeze(axisSize(x, 0), [0])), positions].map((part) => unsqueeze(part, [1]))
    const { name } = program.write(gatherND(x, concat(pairs, 1)), names, { prefix: 'tp/row_read' })
    graph.remove(node)
    graph.insert([createNode({ type: 'Identity', name: output, inputs: [name], outputs: [output] })])
    for (const reader of graph.consumers(sum)) {
      if (reader.node.opType === 'Shape' && reader.index === 0) graph.replaceInput(reader.node, 0, index)
    }
  }
  if (reads.length === 0) return false
  graph.removeDeadNodes()
  graph.sortTopologically()
  return true
}

interface FlatRead {
  readonly node: NodeProto
  /** The value [b,n,D] that it reads, and the index int64 [b] in each example. */
  readonly data: string
  readonly index: string
  /** i·n + index_i. */
  readonly sum: string
}

function flatRead(program: Program, node: NodeProto): FlatRead | undefined {
  const { graph } = program
  if (node.opType !== 'Gather' || integerAttribute(node, 'axis', 0) !== 0) return undefined
  const [flat, sum] = node.input as [string, string]
  const [flatten, added] = [graph.producer(flat), graph.producer(sum)]
  if ((flatten?.opType !== 'Flatten' && flatten?.opType !== 'Reshape') || added?.opType !== 'Add') return undefined
  const data = flatten.input[0] as string
  const [x, rows] = [program.tensor(data), program.tensor(flat)]
  if (!x.hasShape || !rows.hasShape || x.rank !== 3 || rows.rank !== 2 || x.dims[2] !== rows.dims[1]) return undefined
  const [batch, count] = x.dims as [Dim, Dim, Dim]
  const index = added.input.find((_, i) => startsRows(program, added.input[1 - i] as string, batch, count))
  if (index === undefined) return undefined
  const isOnePerRow = [index, sum].every((name) => {
    const { dtype, hasShape, dims } = program.tensor(name)
    return dtype === 'int64' && hasShape && dims.length === 1 && dims[0] === batch
  })
  return isOnePerRow && isNeverNegative(program, index, count) ? { node, data, index, sum } : undefined
}

/** True if a value is 0, n, 2n, …, for the examples of the batch. */
function startsRows(program: Program, name: string, batch: Dim, count: Dim): boolean {
  const { value } = program.tensor(name)
  if (value?.length === batch && typeof count === 'number') return value.every((start, row) => start === row * count)
  const product = program.graph.producer(through({ program, operators }, name, 'same values'))
  if (product?.opType !== 'Mul') return false
  return product.input.some((factor, i) => {
    const size = program.tensor(product.input[1 - i] as string).value
    return size?.length === 1 && size[0] === count && numbersRows({ program, operators }, factor, batch)
  })
}

/**
 * True if integers cannot be negative, by the operators that they come from, where the model's inputs are not, and some
 * token of every example is real. `known`: what was found before, since many paths may lead to one value.
 */
function isNeverNegative(program: Program, name: string, count: Dim, known: Map<string, boolean> = new Map()): boolean {
  const found = known.get(name) ?? provesNotNegative(program, name, count, known)
  known.set(name, found)
  return found
}

function provesNotNegative(program: Program, name: string, count: Dim, known: Map<string, boolean>): boolean {
  const { graph } = program
  const { value, dtype } = program.tensor(name)
  if (value !== undefined) return value.every((entry) => entry === count || (typeof entry === 'number' && entry >= 0))
  const node = graph.producer(name)
  if (node === undefined) return graph.initializer(name) === undefined
  if (dtype === 'bool') return true
  const operand = (i: number): boolean => isNeverNegative(program, node.input[i] as string, count, known)
  const { neverNegative, reduces } = operatorOf(node) ?? {}
  if (neverNegative !== undefined) return neverNegative(node, operand)
  // The number of real tokens, of which there is one.
  if (node.opType === 'Sub') {
    const [from, less] = node.input as [string, string]
    const isOne = program.tensor(less).value?.every((entry) => entry === 1) ?? false
    const counting = graph.producer(through({ program, operators }, from, 'same values'))
    return isOne && counting?.opType === 'ReduceSum' && operand(0)
  }
  return (reduces !== undefined || returnsFirst(node)) && operand(0)
}
