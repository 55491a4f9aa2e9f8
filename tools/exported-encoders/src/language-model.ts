import { readFileSync } from 'node:fs'
import { createNode, decodeModel, Graph, type Model } from '@tp/onnx'
import { fixturesFolder } from './folder.ts'
import { seeded } from './random.ts'

const [HIDDEN, WORDS] = [32, 120]

/** GPT-2 without caches that gives logits of the next token, `logits` [batch,sequence,120], instead of states. `padding`: logits that stand for no word. */
export function languageModel(padding = 0): Model {
  const answers = WORDS + padding
  const model = decodeModel(readFileSync(`${fixturesFolder}/gpt2-old-ts14/model.onnx`))
  const graph = new Graph(model)
  const normal = seeded(1)
  const data = Float32Array.from({ length: HIDDEN * answers }, normal)
  graph.addInitializer('words', { type: 'float32', dims: [HIDDEN, answers], data })
  const inputs = ['last_hidden_state', 'words']
  graph.insert([createNode({ type: 'MatMul', name: 'lm_head', inputs, outputs: ['logits'] })])
  graph.removeOutput('last_hidden_state')
  graph.addOutput('logits', 'float32', ['batch', 'sequence', answers])
  return model
}
