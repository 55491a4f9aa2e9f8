import { TpError } from '@tp/core'
import { cloneModel, createNode, Graph, type Model } from '@tp/onnx'

/** An encoder without its head: its last hidden states, [batch, tokens, hidden], in place of what it makes of the class token. */
export function tokenStates(classifier: Model): Model {
  const model = cloneModel(classifier)
  const graph = new Graph(model)
  const [states] = graph.nodes.findLast(({ opType }) => opType === 'Gather')?.input ?? []
  if (states === undefined) throw new TpError('TP_INPUT', 'benchmark', 'not a model that reads its class token')
  graph.insert([createNode({ type: 'Identity', inputs: [states], outputs: ['last_hidden_state'] })])
  graph.addOutput('last_hidden_state', 'float32', [undefined, undefined, undefined])
  graph.removeOutput('logits')
  graph.removeDeadNodes()
  return model
}
