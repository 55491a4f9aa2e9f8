import { createNode, Graph, type Model, type NodeProto } from '@tp/onnx'
import { eachNode } from './each-node.ts'
import { forgetShapes } from './forget-shapes.ts'
import { type QuantizedGraph, withRoundedWeights } from './quantized-graph.ts'
import { isQuantized } from './quantized-nodes.ts'
import { centeredWeights, onlyReader, rangedProductOf, writeInFloats } from './ranged-products.ts'
import { sized } from './sized.ts'

/**
 * A model in 8 bits as it would compute without rounding its activations, with its weights as they are: a gradient passes there, and is taken
 * for that of the rounded model (straight-through, Bengio et al., arXiv:1308.3432). Rounding in other forms than those of `quantize_dynamic`, of
 * QuantizeLinear and of `quantize` remains, and so do weights of fewer bits. A model in floats is returned as it is.
 * @throws what reading a graph fails with
 * @example
 * const { value } = soften(inFloats(model), { method, layers, params })
 */
export function inFloats(source: Model): Model {
  if (!isQuantized(source)) return source
  const model = sized(source)
  const graph = new Graph(model)
  eachNode(withRoundedWeights(graph), (node, own) => {
    const product = rangedProductOf(node, own)
    if (product !== undefined) writeInFloats(product, own)
    else if (node.opType === 'MatMulInteger') multiplyUnrounded(node, own)
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
function multiplyUnrounded(node: NodeProto, to: QuantizedGraph): void {
  const { graph } = to
  const [a, data = '', , zero = ''] = node.input
  const [value, scale] = unrounded(a, graph) ?? []
  const cast = onlyReader(node, 'Cast', graph)
  if (value === undefined || scale === undefined || cast === undefined) return
  const [result = ''] = cast.output
  const { nodes, weights } = centeredWeights({ data, zero }, result, to)
  const divided = to.uniqueName(`${result}_divided`)
  const next = graph.nodes[graph.nodes.indexOf(cast) + 1]
  graph.remove(cast)
  graph.insert(
    [
      createNode({ type: 'Div', inputs: [value, scale], outputs: [divided] }),
      ...nodes,
      createNode({ type: 'MatMul', inputs: [divided, weights], outputs: [result] }),
    ],
    next,
  )
}
