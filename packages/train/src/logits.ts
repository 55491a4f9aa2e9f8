import { cast, type Tensor, TpError, unsqueeze } from '@tp/core'
import { answerHead } from '@tp/data/outputs'
import type { Graph } from '@tp/onnx'

/**
 * The logits of a graph, a row of classes for each example: float32 [B,C]. Where a softmax or sigmoid makes probabilities of them, they are
 * what that reads: `classify` and `rank` of @tp/compare, whose answers are learned from, give logits, too.
 * @param tensor the graph's values as expressions
 * @throws TpError TP_OUTPUT if there is none
 */
export function logitsOf(graph: Graph, tensor: (name: string) => Tensor): Tensor {
  const outputs = graph.outputs.map(({ name }) => ({ name, tensor: tensor(name) }))
  const named = outputs.find(({ name }) => name === 'logits') ?? outputs[0]
  const head = answerHead(graph.model)
  const found = head === undefined ? named?.tensor : head.logits === undefined ? undefined : tensor(head.logits)
  if (found?.hasShape && (found.dtype === 'float32' || found.dtype === 'float16')) {
    const logits = found.dtype === 'float16' ? cast(found, 'float32') : found
    if (found.rank === 2) return logits
    if (found.rank === 1) return unsqueeze(logits, [1])
  }
  const seen = outputs.map(({ name, tensor }) => `${name} ${tensor}`).join(', ')
  throw new TpError(
    'TP_OUTPUT',
    'train',
    `the model gives ${seen}; one float32 output [B, classes] of logits, or a softmax or sigmoid of them, is required for a gradient`,
  )
}
