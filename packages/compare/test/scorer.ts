import { readFileSync } from 'node:fs'
import { modelPath } from '@tp/models'
import { createNode, decodeModel, Graph, type Model } from '@tp/onnx'

/** The mail encoder with one logit, that of spam against ham. */
export function mailScorer(): Model {
  const model = decodeModel(readFileSync(modelPath('mail')))
  const graph = new Graph(model)
  const [output] = graph.outputs
  const logits = output?.name ?? ''
  graph.addInitializer('against', { type: 'float32', dims: [2, 1], data: Float32Array.of(-1, 1) })
  graph.insert([createNode({ type: 'MatMul', inputs: [logits, 'against'], outputs: ['score'] })])
  graph.addOutput('score', 'float32', ['batch', 1])
  graph.removeOutput(logits)
  return model
}
