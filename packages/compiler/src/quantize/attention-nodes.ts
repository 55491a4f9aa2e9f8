import type { Attributes } from '@tp/core/expression'
import { createNode, type Graph, type NodeProto, opset, readAttributes } from '@tp/onnx'
import { named } from './product-nodes.ts'
import type { QuantizedGraph } from './quantized-graph.ts'

/** Attributes that MultiHeadAttention has, too, with the same meaning. */
const ofHeads = new Set(['num_heads', 'scale', 'mask_filter_value', 'unidirectional'])

/** Whether MultiHeadAttention can say the same: its masks are none, or one number for each token. */
export function isMultiHead(node: NodeProto, graph: Graph): boolean {
  const mask = node.input[3] ?? ''
  const isKnown =
    mask === '' || (graph.valueInfo(mask) ?? graph.inputs.find(({ name }) => name === mask))?.dims?.length === 2
  const rotates = Number(readAttributes(node)?.do_rotary ?? 0) !== 0
  return isKnown && !rotates
}

/**
 * MultiHeadAttention of x·W: Attention(x, W, b, mask) = MultiHeadAttention(three parts of x·W, b, mask)
 * @param node com.microsoft.Attention
 * @param projected x·W
 */
export function multiHead(node: NodeProto, projected: string, to: QuantizedGraph): NodeProto[] {
  const [output] = node.output as [string]
  const [, , bias = '', mask = ''] = node.input
  const parts = ['query', 'key', 'value'].map((part) => to.uniqueName(`${output}_${part}`))
  const count: Attributes = opset(to.graph.model) >= 18 ? { num_outputs: 3 } : {}
  const heads = createNode({
    type: 'MultiHeadAttention',
    domain: 'com.microsoft',
    name: named(node, 'heads', to),
    inputs: [...parts, bias, mask],
    outputs: [output],
  })
  heads.attribute = node.attribute.filter(({ name }) => ofHeads.has(name))
  return [
    createNode({
      type: 'Split',
      name: named(node, 'split', to),
      inputs: [projected],
      outputs: parts,
      attributes: { axis: -1, ...count },
    }),
    heads,
  ]
}
