import { createModel, createNode, encodeModel, Graph } from '@tp/onnx'

/** No encoder: one convolution and a mean, and no attention anywhere. */
export function convolutional(): Uint8Array {
  const graph = new Graph(createModel(17))
  graph.addInput('pixel_values', 'float32', ['batch', 1, 8, 8])
  graph.addInitializer('kernel', { type: 'float32', dims: [2, 1, 3, 3], data: new Float32Array(18).fill(0.1) })
  graph.insert([
    createNode({ type: 'Conv', name: '/conv', inputs: ['pixel_values', 'kernel'], outputs: ['features'] }),
    createNode({ type: 'GlobalAveragePool', inputs: ['features'], outputs: ['logits'] }),
  ])
  graph.addOutput('logits', 'float32', ['batch', 2, 1, 1])
  return encodeModel(graph.model)
}
