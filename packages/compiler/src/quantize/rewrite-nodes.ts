import { codeOf, createNode, type NodeProto, readAttributes } from '@tp/onnx'
import { operatorName } from '../operators/operator.ts'
import type { QuantisedGraph, QuantisedValue } from './quantised-graph.ts'

/** Puts 8-bit nodes in place of one; false where the node has a form that is not quantised, and is left alone. */
export type Rewrite = (node: NodeProto, to: QuantisedGraph) => boolean

/** What is quantised, by operator; what a node computes is the same but for rounding. */
export function rewriteOf(node: NodeProto): Rewrite | undefined {
  return rewrites.get(operatorName(node))
}

/** Y = A·B, B constant, at least 2-D. */
const matmul: Rewrite = (node, to) => {
  const [a, b, output] = [...node.input, ...node.output] as [string, string, string]
  const weights = to.weights(b)
  if (weights === undefined || weights.dims.length < 2) return false
  const { graph } = to
  const value = to.value(a, node)
  const next = after(node, to)
  graph.remove(node)
  graph.insert(product(node.name, value, to.addWeights(b, weights), output, to), next)
  return true
}

/** Y = A·B + C or A·Bᵀ + C without factors, as a product and a sum. */
const gemm: Rewrite = (node, to) => {
  const [a, b, c = ''] = node.input as [string, string, string?]
  const [output] = node.output as [string]
  const { alpha = 1, beta = 1, transA = 0, transB = 0 } = readAttributes(node) ?? {}
  const weights = to.weights(b)
  if (weights?.dims.length !== 2 || alpha !== 1 || beta !== 1 || transA !== 0) return false
  const { graph } = to
  const value = to.value(a, node)
  const weight = to.addWeights(b, weights, to.rounding, transB !== 0)
  const sum = c === '' ? output : graph.uniqueName(`${output}_MatMul`)
  const next = after(node, to)
  graph.remove(node)
  graph.insert(product(node.name, value, weight, sum, to), next)
  if (c !== '') {
    graph.insert([createNode({ type: 'Add', name: named(node, 'Add', to), inputs: [sum, c], outputs: [output] })], next)
  }
  return true
}

/** Rows of a table: it has one scale, and is made floats again afterwards. */
const gather: Rewrite = (node, to) => {
  const [table, output] = [node.input[0], node.output[0]] as [string, string]
  const weights = to.weights(table)
  if (weights === undefined) return false
  const { graph } = to
  const stored = to.addWeights(table, weights, { type: 'uint8', perChannel: false, reduceRange: false })
  const next = after(node, to)
  const rows = graph.uniqueName(`${output}_quantized`)
  graph.remove(node)
  const reader = createNode({
    type: 'Gather',
    name: node.name,
    inputs: [stored.data, node.input[1] as string],
    outputs: [rows],
  })
  reader.attribute = node.attribute
  const back = createNode({
    type: 'DequantizeLinear',
    name: named(node, 'DequantizeLinear', to),
    inputs: [rows, stored.scale, stored.zero],
    outputs: [output],
  })
  graph.insert([reader, back], next)
  to.note(output, { data: rows, scale: stored.scale, zero: stored.zero })
  return true
}

/** com.microsoft.Attention, as QAttention: which has no bias of its own and no sizes of heads, and is not used with earlier keys. */
const attention: Rewrite = (node, to) => {
  const [input, weight, bias = '', mask = '', past = '', added = ''] = node.input as [string, string, ...string[]]
  const weights = to.weights(weight)
  const isPlain = past === '' && added === '' && node.output.length === 1
  if (weights?.dims.length !== 2 || bias === '' || !isPlain) return false
  if (node.attribute.some(({ name }) => name === 'qkv_hidden_sizes')) return false
  const { graph } = to
  const value = to.value(input, node)
  const stored = to.addWeights(weight, weights)
  const next = after(node, to)
  graph.remove(node)
  const quantised = createNode({
    type: 'QAttention',
    domain: 'com.microsoft',
    name: named(node, 'quant', to),
    inputs: [value.data, stored.data, bias, value.scale, stored.scale, mask, value.zero, stored.zero],
    outputs: node.output,
  })
  quantised.attribute = node.attribute
  graph.insert([quantised], next)
  return true
}

const rewrites: ReadonlyMap<string, Rewrite> = new Map([
  ['MatMul', matmul],
  ['Gemm', gemm],
  ['Gather', gather],
  ['com.microsoft.Attention', attention],
])

/** Where what replaces a node is inserted. */
function after(node: NodeProto, { graph }: QuantisedGraph): NodeProto | undefined {
  return graph.nodes[graph.nodes.indexOf(node) + 1]
}

/**
 * The four nodes that onnxruntime fuses into one (MatMulIntegerToFloat, DynamicQuantizeMatMul):
 * Y = (A − zero)·(B − zero) · (scale of A · scale of B)
 */
function product(
  name: string,
  a: QuantisedValue,
  b: QuantisedValue,
  output: string,
  { graph }: QuantisedGraph,
): NodeProto[] {
  const [sums, floats, scale] = ['quantized', 'cast', 'scale'].map((part) =>
    graph.uniqueName(`${output}_output_${part}`),
  ) as [string, string, string]
  const own = (part: string): { name?: string } => (name === '' ? {} : { name: graph.uniqueName(`${name}_${part}`) })
  const zeros = b.zero === '' ? [a.zero] : [a.zero, b.zero]
  return [
    createNode({ type: 'MatMulInteger', ...own('quant'), inputs: [a.data, b.data, ...zeros], outputs: [sums] }),
    createNode({
      type: 'Cast',
      ...own('cast'),
      inputs: [sums],
      outputs: [floats],
      attributes: { to: codeOf('float32') },
    }),
    createNode({ type: 'Mul', ...own('scales_mul'), inputs: [a.scale, b.scale], outputs: [scale] }),
    createNode({ type: 'Mul', ...own('output_scale_mul'), inputs: [floats, scale], outputs: [output] }),
  ]
}

function named({ name }: NodeProto, part: string, { graph }: QuantisedGraph): string {
  return name === '' ? '' : graph.uniqueName(`${name}_${part}`)
}
