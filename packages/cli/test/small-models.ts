import { readFileSync } from 'node:fs'
import { createModel, createNode, decodeModel, encodeModel, externalTensors, Graph } from '@tp/onnx'
import { fixture } from './tp.ts'

/** A graph that hands its input on. */
export function withoutNodes(): Uint8Array {
  const graph = new Graph(createModel(17))
  graph.addInput('x', 'float32', ['batch', 4])
  graph.addOutput('x', 'float32', ['batch', 4])
  return encodeModel(graph.model)
}

/** One convolution and a mean: no attention anywhere. */
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

/** The fixture whose weights lie in model.onnx.data, with that file under another name or path. */
export function withDataFile(location: string): { readonly model: Uint8Array; readonly data: Uint8Array } {
  const path = fixture('bert-cls-external')
  const model = decodeModel(readFileSync(path))
  const names = new Set(externalTensors(model).map((tensor) => tensor.name))
  for (const tensor of model.proto.graph?.initializer ?? []) {
    if (!names.has(tensor.name)) continue
    for (const entry of tensor.externalData) if (entry.key === 'location') entry.value = location
  }
  return { model: encodeModel(model), data: readFileSync(`${path}.data`) }
}
