import { axisSize, expand, input, reshape, unsqueeze } from '@tp/core'
import type { Dim } from '@tp/core/expression'
import { createNode, type NodeProto } from '@tp/onnx'
import type { Program } from '../program/program.ts'
import type { NormalizePass } from './normalize-pass.ts'

/**
 * Where the queries that share a head of keys or values are one matrix (`group-heads.ts` writes them so, and some exporters do), each
 * query gets a head of its own again, so that all attentions look alike. In place; true if there are any.
 */
export const repeatHeads: NormalizePass = {
  name: 'repeat grouped heads',
  run({ program }) {
    const { graph } = program
    const products = graph.nodes.flatMap((node) => groupedProduct(program, node) ?? [])
    for (const { node, apart, left, right, heads } of products) {
      const output = apart.output[0] as string
      graph.remove(apart)
      graph.remove(node)
      const inputs = [left, repeated(program, right, heads)]
      graph.insert([createNode({ type: 'MatMul', name: node.name, inputs, outputs: [output] })])
    }
    if (products.length === 0) return false
    graph.removeDeadNodes()
    graph.sortTopologically()
    return true
  },
}

interface GroupedProduct {
  readonly node: NodeProto
  /** The reshape of the product to a matrix for each query. */
  readonly apart: NodeProto
  /** The matrices of the queries [b,h,m,k], and what each group of them reads [b,g,k,n]. */
  readonly left: string
  readonly right: string
  readonly heads: number
}

function groupedProduct(program: Program, node: NodeProto): GroupedProduct | undefined {
  const { graph } = program
  const product = node.opType === 'MatMul' ? (node.output[0] as string) : ''
  const [together, [use, ...others]] = [graph.producer(node.input[0] ?? ''), graph.consumers(product)]
  const apart = use?.node
  if (together?.opType !== 'Reshape' || apart?.opType !== 'Reshape' || others.length > 0 || graph.isOutput(product))
    return undefined
  const [left, grouped] = [together.input[0], together.output[0]] as [string, string]
  const [right, result] = [node.input[1], apart.output[0]] as [string, string]
  const [from, joined, own, to] = [left, grouped, right, result].map((name) => program.tensor(name).dims) as [
    Dims,
    Dims,
    Dims,
    Dims,
  ]
  const [heads, groups] = [from[1], own[1]]
  if (
    [from, joined, own, to].some(({ length }) => length !== 4) ||
    typeof heads !== 'number' ||
    typeof groups !== 'number'
  )
    return undefined
  const isGrouped = heads > groups && heads % groups === 0 && to[1] === heads && from[0] === own[0] && from[0] === to[0]
  // The product says that the size of a query is that of a key, also where it is not known.
  const isSame = from[3] === joined[3] && from[2] === to[2] && own[3] === to[3]
  return isGrouped && isSame ? { node, apart, left, right, heads } : undefined
}

type Dims = readonly Dim[]

/** [b,g,k,n] → [b,h,k,n] */
function repeated(program: Program, name: string, heads: number): string {
  const { dtype, dims } = program.tensor(name)
  const x = input(name, dtype, dims)
  const groups = dims[1] as number
  const whole = expand(unsqueeze(x, [2]), [1, 1, heads / groups, 1, 1])
  const flat = reshape(whole, [axisSize(x, 0), heads, axisSize(x, 2), axisSize(x, 3)])
  const written = [dims[0], heads, dims[2], dims[3]] as readonly Dim[]
  return program.write(flat, new Map([[x, name]]), { prefix: 'tp/repeated_heads', dims: [written] }).name
}
