import { codeOf, createNode, Graph, type Model, type NodeProto } from '@tp/onnx'
import { eachNode } from './each-node.ts'
import { forgetShapes } from './forget-shapes.ts'
import { QuantizedGraph } from './quantized-graph.ts'
import { findQuantized } from './quantized-nodes.ts'
import { rangedProductOf, writeInFloats } from './ranged-products.ts'
import { sized } from './sized.ts'

/** Unused: no weights are rounded. */
const ROUNDING = { type: 'int8', perChannel: true, reduceRange: false } as const

/**
 * A model in 8 bits as it would compute without rounding its activations, with its weights as they are: a gradient passes there, and is taken
 * for that of the rounded model (straight-through, Bengio et al., arXiv:1308.3432). Rounding in other forms than those of `quantize_dynamic`, of
 * QuantizeLinear and of `quantize` remains, and so do weights of fewer bits. A model in floats is returned as it is.
 * @throws what reading a graph fails with
 * @example
 * const { value } = soften(inFloats(model), { method, layers, params })
 */
export function inFloats(source: Model): Model {
  if (findQuantized(source) === undefined) return source
  const model = sized(source)
  const graph = new Graph(model)
  eachNode(new QuantizedGraph(graph, ROUNDING, 'token'), (node, own) => {
    const product = rangedProductOf(node, own)
    if (product !== undefined) writeInFloats(product, own)
    else if (node.opType === 'MatMulInteger') multiplyUnrounded(node, own.graph)
    else if (node.opType === 'DequantizeLinear') readUnrounded(node, own.graph)
  })
  graph.removeDeadNodes()
  forgetShapes(model)
  return model
}

/** The value that QuantizeLinear rounds, and what it divides it by. */
function unrounded(name: string | undefined, graph: Graph): readonly [string, string] | undefined {
  const rounding = graph.producer(name ?? '')
  return rounding?.opType === 'QuantizeLinear' ? (rounding.input as [string, string]) : undefined
}

function readUnrounded({ input: [name], output }: NodeProto, graph: Graph): void {
  const [value] = unrounded(name, graph) ?? []
  if (value !== undefined) graph.replaceAllUses(output[0] as string, value)
}

/** Products of what QuantizeLinear has rounded, as they are read, in floats: (A − zero)·(B − zero) with A − zero = value / scale. */
function multiplyUnrounded({ input: [a, b = '', , zero = ''], output }: NodeProto, graph: Graph): void {
  const [value, scale] = unrounded(a, graph) ?? []
  const [use, ...more] = graph.consumers(output[0] as string)
  if (value === undefined || scale === undefined || use?.node.opType !== 'Cast' || more.length > 0) return
  const [result = ''] = use.node.output
  const [divided, numbers, zeros, centered] = ['divided', 'weights', 'zeros', 'centered'].map((part) =>
    graph.uniqueName(`${result}_${part}`),
  ) as [string, string, string, string]
  const attributes = { to: codeOf('float32') }
  const toFloat = (from: string, to: string): NodeProto =>
    createNode({ type: 'Cast', inputs: [from], outputs: [to], attributes })
  const zeroed = [toFloat(zero, zeros), createNode({ type: 'Sub', inputs: [numbers, zeros], outputs: [centered] })]
  const written = [
    createNode({ type: 'Div', inputs: [value, scale], outputs: [divided] }),
    toFloat(b, numbers),
    ...(zero === '' ? [] : zeroed),
    createNode({ type: 'MatMul', inputs: [divided, zero === '' ? numbers : centered], outputs: [result] }),
  ]
  graph.remove(use.node)
  graph.insert(written, graph.consumers(result)[0]?.node)
}
