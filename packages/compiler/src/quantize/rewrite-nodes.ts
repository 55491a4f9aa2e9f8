import type { Attributes } from '@tp/core/expression'
import { codeOf, createNode, type NodeProto, readAttributes } from '@tp/onnx'
import { operatorName } from '../operators/operator.ts'
import { isMultiHead, multiHead } from './attention-nodes.ts'
import { named, product } from './product-nodes.ts'
import type { ConstantWeights, QuantizedGraph } from './quantized-graph.ts'
import type { QuantizedValue } from './quantized-value.ts'

/** Puts 8-bit nodes in place of one; false where the node has a form that is not quantized, and is left alone. */
export type Rewrite = (node: NodeProto, to: QuantizedGraph) => boolean

/** The quantized inputs, by operator; a node computes the same except for rounding. */
export function rewriteOf(node: NodeProto): Rewrite | undefined {
  return rewrites.get(operatorName(node))
}

/** Y = A·B, B constant and at least 2-D; or A·B + C, A·Bᵀ + C without factors. */
const multiply: Rewrite = (node, to) => {
  const weights = productWeights(node, to)
  if (weights === undefined) return false
  const [a, b, c = ''] = node.input as [string, string, string?]
  const [output] = node.output as [string]
  const { graph } = to
  const value = to.value(a, node)
  const weight = to.addWeights(b, weights)
  const sum = c === '' ? output : to.uniqueName(`${output}_MatMul`)
  const next = after(node, to)
  graph.remove(node)
  graph.insert(product(node.name, value, weight, sum, to), next)
  if (c !== '') {
    graph.insert([createNode({ type: 'Add', name: named(node, 'Add', to), inputs: [sum, c], outputs: [output] })], next)
  }
  return true
}

/** The weights of a product that is quantized. */
export function productWeights(node: NodeProto, to: QuantizedGraph): ConstantWeights | undefined {
  const operator = operatorName(node)
  if (operator !== 'MatMul' && operator !== 'Gemm') return undefined
  const weights = to.weights(node.input[1] as string)
  const rank = weights?.tensor.dims.length ?? 0
  if (weights === undefined || rank < 2) return undefined
  if (operator === 'MatMul') return weights
  const { alpha = 1, beta = 1, transA = 0, transB = 0 } = readAttributes(node) ?? {}
  if (rank !== 2 || alpha !== 1 || beta !== 1 || transA !== 0) return undefined
  return transB === 0 ? weights : { ...weights, isTransposed: !weights.isTransposed }
}

/** The table that a node takes rows of, if it is quantized. */
export function tableOf(node: NodeProto, to: QuantizedGraph): ConstantWeights | undefined {
  if (operatorName(node) !== 'Gather') return undefined
  const weights = to.weights(node.input[0] as string)
  return weights?.isTransposed ? undefined : weights
}

/** Whether it takes rows of a matrix. */
export function isOfRows(node: NodeProto): boolean {
  const { axis = 0 } = readAttributes(node) ?? {}
  return axis === 0 || axis === -2
}

/** Rows of a table: it has one scale, and is made floats again afterwards. One that is tied has the scales of the product. */
const gather: Rewrite = (node, to) => {
  const [table, indices, output] = [node.input[0], node.input[1], node.output[0]] as [string, string, string]
  const weights = tableOf(node, to)
  if (weights === undefined) return false
  const { graph } = to
  const next = after(node, to)
  const rows = to.uniqueName(`${output}_quantized`)
  const reader = (data: string): NodeProto => {
    const own = createNode({ type: 'Gather', name: node.name, inputs: [data, indices], outputs: [rows] })
    own.attribute = node.attribute
    return own
  }
  graph.remove(node)
  if (isOfRows(node) && to.isTied(weights)) {
    const { rows: tied } = to.addTied(table, weights)
    const floats = to.rounding.perChannel ? scaledRows(node, rows, tied, to) : [dequantized(node, rows, tied, to)]
    graph.insert([reader(tied.data), ...floats], next)
    return true
  }
  const stored = to.addWeights(table, weights, { type: 'uint8', perChannel: false, reduceRange: false })
  graph.insert([reader(stored.data), dequantized(node, rows, stored, to)], next)
  to.note(output, { data: rows, scale: stored.scale, zero: stored.zero })
  return true
}

/** Floats from 8-bit rows that have one scale. */
function dequantized(node: NodeProto, rows: string, { scale, zero }: QuantizedValue, to: QuantizedGraph): NodeProto {
  return createNode({
    type: 'DequantizeLinear',
    name: named(node, 'DequantizeLinear', to),
    inputs: zero === '' ? [rows, scale] : [rows, scale, zero],
    outputs: node.output,
  })
}

/** Floats from 8-bit rows that have a scale each: (rows − zeros of the rows) · scales of the rows. */
function scaledRows(node: NodeProto, rows: string, { scale, zero }: QuantizedValue, to: QuantizedGraph): NodeProto[] {
  const [indices, output] = [node.input[1], node.output[0]] as [string, string]
  const nodes: NodeProto[] = []
  const add = (type: string, part: string, inputs: string[], attributes: Attributes = {}, result?: string): string => {
    const outputs = [result ?? to.uniqueName(`${output}_${part}`)]
    nodes.push(createNode({ type, name: named(node, part, to), inputs, outputs, attributes }))
    return outputs[0] as string
  }
  const toFloat = { to: codeOf('float32') }
  const floats = add('Cast', 'cast', [rows], toFloat)
  const zeros = zero === '' ? '' : add('Cast', 'zeros_cast', [add('Gather', 'zeros', [zero, indices])], toFloat)
  const centered = zeros === '' ? floats : add('Sub', 'centered', [floats, zeros])
  add('Mul', 'scaled', [centered, add('Gather', 'scales', [scale, indices])], {}, output)
  return nodes
}

/**
 * com.microsoft.Attention. Where activations have one scale, as QAttention, which has no bias of its own and no sizes of heads, and is not used
 * with earlier keys; otherwise as a product, and MultiHeadAttention.
 */
const attention: Rewrite = (node, to) => {
  const [input, weight, bias = '', , past = '', added = ''] = node.input as [string, string, ...string[]]
  const weights = to.weights(weight)
  const isPlain = past === '' && added === '' && node.output.length === 1
  if (weights?.tensor.dims.length !== 2 || weights.isTransposed || bias === '' || !isPlain) return false
  if (node.attribute.some(({ name }) => name === 'qkv_hidden_sizes')) return false
  const { graph } = to
  const isApart = to.roundsRows && isMultiHead(node, graph)
  const value = isApart ? to.value(input, node) : to.valueByRange(input, node)
  const stored = to.addWeights(weight, weights)
  const next = after(node, to)
  graph.remove(node)
  if (isApart) {
    const projected = to.uniqueName(`${node.output[0]}_projected`)
    graph.insert([...product(node.name, value, stored, projected, to), ...multiHead(node, projected, to)], next)
  } else graph.insert([qAttention(node, value, stored, to)], next)
  return true
}

function qAttention(node: NodeProto, value: QuantizedValue, weights: QuantizedValue, to: QuantizedGraph): NodeProto {
  const [, , bias = '', mask = ''] = node.input
  const quantized = createNode({
    type: 'QAttention',
    domain: 'com.microsoft',
    name: named(node, 'quant', to),
    inputs: [value.data, weights.data, bias, value.scale, weights.scale, mask, value.zero, weights.zero],
    outputs: node.output,
  })
  quantized.attribute = node.attribute
  return quantized
}

const rewrites: ReadonlyMap<string, Rewrite> = new Map([
  ['MatMul', multiply],
  ['Gemm', multiply],
  ['Gather', gather],
  ['com.microsoft.Attention', attention],
])

/** Where what replaces a node is inserted. */
function after(node: NodeProto, { graph }: QuantizedGraph): NodeProto | undefined {
  return graph.nodes[graph.nodes.indexOf(node) + 1]
}
