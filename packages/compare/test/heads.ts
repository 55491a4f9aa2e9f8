import { readFileSync } from 'node:fs'
import { modelPath } from '@tp/models'
import { createNode, decodeModel, Graph, type Model } from '@tp/onnx'

/** The mail model with other heads: spam by one sigmoid, [batch, 1] or [batch], or as the second of a softmax; logits as before, or a softmax. */
export type MailHead = 'sigmoid' | 'sigmoid of a row' | 'one class of a softmax' | 'softmax'

/** The output is called `answer`. */
export function mailHead(head: MailHead): Model {
  const model = decodeModel(readFileSync(modelPath('mail')))
  const graph = new Graph(model)
  const [output] = graph.outputs
  const logits = output?.name ?? ''
  graph.addInitializer('against', { type: 'float32', dims: [2, 1], data: Float32Array.of(-1, 1) })
  graph.addInitializer('second', { type: 'int64', dims: [1], data: BigInt64Array.of(1n) })
  const node = (type: string, inputs: string[], name: string) =>
    createNode({ type, inputs, outputs: [name], ...(type === 'Gather' && { attributes: { axis: 1 } }) })
  const nodes = {
    sigmoid: [node('MatMul', [logits, 'against'], 'z'), node('Sigmoid', ['z'], 'answer')],
    'sigmoid of a row': [
      node('MatMul', [logits, 'against'], 'z'),
      node('Squeeze', ['z', 'second'], 'row'),
      node('Sigmoid', ['row'], 'answer'),
    ],
    'one class of a softmax': [node('Softmax', [logits], 'p'), node('Gather', ['p', 'second'], 'answer')],
    softmax: [node('Softmax', [logits], 'answer')],
  }[head]
  graph.insert(nodes)
  graph.addOutput('answer', 'float32', head === 'sigmoid of a row' ? ['batch'] : ['batch', head === 'softmax' ? 2 : 1])
  graph.removeOutput(logits)
  return model
}
