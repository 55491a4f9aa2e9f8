import { constantData, type Dim, isUnknown } from '@tp/core/expression'
import { createNode, type NodeProto } from '@tp/onnx'
import type { Program } from '../program/program.ts'

/** Keys or values of which every head is repeated for the queries that share it: [b,g,n,d] → [b,g·r,n,d]. */
interface Repetition {
  /** The repeated value, and the result. */
  readonly source: string
  readonly repeated: string
  readonly groups: number
  readonly heads: number
}

/** How what reads repeated heads can read them once. */
interface Plan {
  /** Nodes that work on each head alone, and the values that they read and return. */
  readonly perHead: readonly { readonly node: NodeProto; readonly index: number; readonly output: string }[]
  /** Nodes that read sizes. */
  readonly sizes: readonly NodeProto[]
  /** Products of a matrix for each query [b,h,m,k] and the repeated heads. */
  readonly products: readonly NodeProto[]
}

/**
 * Where several queries share a head of keys and values (grouped attention), exporters write each head out once for every query, a copy
 * of all caches at every step. Here the queries of a group are put into one matrix instead, and heads are read once:
 *
 *     [b,h,m,k] × repeat(x [b,g,k,n])  =  reshape(reshape(q, [b,g,r·m,k]) × x, [b,h,m,n])
 *
 * The same products, of other matrices: results differ by rounding.
 * @returns how many products have changed
 */
export function groupHeads(program: Program): number {
  let count = 0
  for (const repetition of repetitions(program)) {
    const plan = planFor(program, repetition.repeated, repetition)
    if (plan === undefined || plan.products.length === 0) continue
    readOnce(program, repetition, plan)
    count += plan.products.length
  }
  if (count > 0) {
    program.graph.removeDeadNodes()
    program.graph.sortTopologically()
    program.refresh()
  }
  return count
}

function repetitions(program: Program): Repetition[] {
  const { graph } = program
  return graph.nodes.flatMap((node) => {
    const [inner = '', expanded = ''] = [node.input[0], node.output[0]]
    const unsqueeze = node.opType === 'Expand' ? graph.producer(inner) : undefined
    const source = unsqueeze?.opType === 'Unsqueeze' ? (unsqueeze.input[0] as string) : ''
    if (source === '') return []
    const [before, after, dims] = [inner, expanded, source].map((name) => program.tensor(name).dims) as [
      Dims,
      Dims,
      Dims,
    ]
    const [batch, groups, tokens, size] = dims
    const times = after[2]
    if (dims.length !== 4 || typeof groups !== 'number' || typeof times !== 'number' || times < 2) return []
    const isRepeated =
      same(before, [batch, groups, 1, tokens, size]) && same(after, [batch, groups, times, tokens, size])
    if (!isRepeated) return []
    const heads = groups * times
    return graph.consumers(expanded).flatMap(({ node: flat }) => {
      const repeated = flat.output[0] as string
      if (flat.opType !== 'Reshape' || graph.isOutput(repeated)) return []
      const isFlat = same(program.tensor(repeated).dims, [batch, heads, tokens, size])
      return isFlat ? [{ source, repeated, groups, heads }] : []
    })
  })
}

type Dims = readonly Dim[]

function same(dims: Dims, others: readonly (Dim | undefined)[]): boolean {
  return dims.length === others.length && dims.every((dim, i) => dim === others[i] && !isUnknown(dim))
}

/** Undefined where something reads the heads that has to have all of them. */
function planFor(program: Program, name: string, { heads }: Repetition): Plan | undefined {
  const plan = { perHead: [] as Plan['perHead'][number][], sizes: [] as NodeProto[], products: [] as NodeProto[] }
  const stack = [name]
  for (let read = stack.pop(); read !== undefined; read = stack.pop()) {
    if (program.graph.isOutput(read)) return undefined
    for (const { node, index } of program.graph.consumers(read)) {
      const [output = ''] = node.output
      if (node.opType === 'MatMul' && index === 1 && isPerQuery(program, node, heads)) plan.products.push(node)
      else if (node.opType === 'Shape' && readsOtherSizes(program, output)) plan.sizes.push(node)
      else if (isPerHead(program, node, index)) {
        plan.perHead.push({ node, index, output })
        stack.push(output)
      } else return undefined
    }
  }
  return plan
}

function isPerQuery(
  program: Program,
  { input: [left = '', right], output: [product = ''] }: NodeProto,
  heads: number,
): boolean {
  const { dims } = program.tensor(left)
  return dims.length === 4 && dims[1] === heads && left !== right && program.tensor(product).rank === 4
}

/** Whether of a shape all sizes are read but the number of heads. */
function readsOtherSizes(program: Program, shape: string): boolean {
  return (
    !program.graph.isOutput(shape) &&
    program.graph.consumers(shape).every(({ node }) => {
      const index = node.opType === 'Gather' ? constantData(program.tensor(node.input[1] as string)) : undefined
      return index?.data.length === 1 && index.data[0] !== 1 && index.data[0] !== -3
    })
  )
}

/** Whether a node computes each head by itself: a transposition inside it, a product with one number, another type. */
function isPerHead(program: Program, node: NodeProto, index: number): boolean {
  switch (node.opType) {
    case 'Cast':
      return true
    case 'Transpose': {
      const perm = node.attribute.find(({ name }) => name === 'perm')?.ints.map(Number) ?? []
      return perm[0] === 0 && perm[1] === 1
    }
    case 'Mul':
    case 'Div': {
      const other = node.input[1 - index] as string
      return program.tensor(other).dims.every((dim) => dim === 1)
    }
    default:
      return false
  }
}

function readOnce(program: Program, { source, repeated, groups, heads }: Repetition, plan: Plan): void {
  const { graph } = program
  const declare = (name: string): void => {
    const { dtype, dims } = program.tensor(name)
    graph.setValueInfo(
      name,
      dtype,
      dims.map((dim, i) => (i === 1 ? groups : isUnknown(dim) ? undefined : dim)),
    )
  }
  for (const { node, index, output } of plan.perHead) {
    if (node.input[index] === repeated) graph.replaceInput(node, index, source)
    declare(output)
  }
  for (const node of plan.sizes) if (node.input[0] === repeated) graph.replaceInput(node, 0, source)
  for (const node of plan.products) {
    const [left, right, product] = [node.input[0], node.input[1], node.output[0]] as [string, string, string]
    const declared = graph.valueInfo(product)
    const [together, apart] = [graph.uniqueName(`${left}/grouped`), graph.uniqueName(`${product}/grouped`)]
    const inputs = [together, right === repeated ? source : right]
    graph.remove(node)
    graph.insert([
      reshapeNode(graph, left, together, groups),
      createNode({ type: 'MatMul', name: node.name, inputs, outputs: [apart] }),
      reshapeNode(graph, apart, product, heads),
    ])
    if (declared?.type !== undefined && declared.dims !== undefined)
      graph.setValueInfo(product, program.tensor(product).dtype, declared.dims)
  }
}

/** [b,·,·,n] to [b,heads,·,n], whatever the sizes: 0 stands for the size that is there. */
function reshapeNode(graph: Program['graph'], from: string, to: string, heads: number): NodeProto {
  const shape = `tp/heads/${heads}`
  if (graph.initializer(shape) === undefined)
    graph.addInitializer(shape, { type: 'int64', dims: [4], data: BigInt64Array.of(0n, BigInt(heads), -1n, 0n) })
  return createNode({ type: 'Reshape', name: `${to}/reshape`, inputs: [from, shape], outputs: [to] })
}
