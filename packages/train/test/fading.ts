import { cloneModel, createNode, encodeModel, Graph, type Model } from '@tp/onnx'

/** The model with what its first layer is given times an input `scale`, float32 [batch, tokens, 1]. */
export function fading(dense: Model): Uint8Array {
  const model = cloneModel(dense)
  const nodes = model.proto.graph?.node ?? []
  const first = nodes.findIndex(({ name }) => name.includes('/layer.0/'))
  const [start = ''] = nodes[first]?.input ?? []
  for (const node of nodes) node.input = node.input.map((name) => (name === start ? 'faded' : name))
  nodes.splice(first, 0, createNode({ type: 'Mul', name: 'fade', inputs: [start, 'scale'], outputs: ['faded'] }))
  new Graph(model).addInput('scale', 'float32', ['batch', 'tokens', 1])
  return encodeModel(model)
}
