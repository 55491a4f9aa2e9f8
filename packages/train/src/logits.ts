import { type Tensor, TpError } from '@tp/core'
import type { Graph } from '@tp/onnx'

/**
 * The output of a graph that holds a row of classes for each example: float32 [B,C].
 * @param tensor the graph's values as expressions
 * @throws TpError TP_OUTPUT if there is none
 */
export function logitsOf(graph: Graph, tensor: (name: string) => Tensor): Tensor {
  const outputs = graph.outputs.map(({ name }) => ({ name, tensor: tensor(name) }))
  const named = outputs.find(({ name }) => name === 'logits') ?? outputs[0]
  if (named?.tensor.hasShape && named.tensor.rank === 2 && named.tensor.dtype === 'float32') return named.tensor
  const seen = outputs.map(({ name, tensor }) => `${name} ${tensor}`).join(', ')
  throw new TpError(
    'TP_OUTPUT',
    'train',
    `the model gives ${seen}; one float32 output [B, classes] is required for a gradient`,
  )
}
