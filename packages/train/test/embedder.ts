import { inspect } from '@tp/compiler'
import { decodeModel, encodeModel, Graph, type Model } from '@tp/onnx'

/** An encoder of hidden size 32 without its head, for whoever pools outside. */
export function withoutHead(classifier: Model): Model {
  const model = decodeModel(encodeModel(classifier))
  const graph = new Graph(model)
  const found = inspect(model)
  const last = found.ok ? (found.layers.at(-1)?.output as string) : ''
  for (const { name } of graph.outputs) graph.removeOutput(name)
  graph.addOutput(last, 'float32', ['batch', 'sequence', 32])
  graph.removeDeadNodes()
  return model
}
