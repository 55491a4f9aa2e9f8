import { readFileSync } from 'node:fs'
import { randomNumbers } from '@tp/core/statistics'
import type { TaggedDataset } from '@tp/data'
import { mailData, modelPath } from '@tp/models'
import { createNode, decodeModel, Graph, type Model } from '@tp/onnx'

export const TAGS: readonly string[] = ['O', 'B-NUMBER', 'I-NUMBER', 'B-FUNCTION', 'I-FUNCTION']

/** Mails in words, which have no tags yet. */
export function mailWords(count: number): TaggedDataset {
  const sentences = mailData('test')
    .slice(0, count)
    .map(({ text }, mail) => {
      const words = text.split(' ').slice(0, 60)
      return { words, tags: words.map(() => 0), source: `mail ${mail}` }
    })
  return { source: 'mails', sentences }
}

const SIZE = 128

/** Layers of the encoder that are used: after the later ones, states tell the class of the mail and little about words. */
export const LAYERS = 3

/** The first layers of the mail encoder, with their last states [batch, tokens, 128] as exporters call them. */
export function mailStates(): Model {
  const model = decodeModel(readFileSync(modelPath('mail')))
  const graph = new Graph(model)
  // One norm after the embeddings and two in each layer.
  const [states = ''] = graph.nodes.filter(({ opType }) => opType === 'LayerNormalization')[2 * LAYERS]?.output ?? []
  graph.insert([createNode({ type: 'Identity', inputs: [states], outputs: ['last_hidden_state'] })])
  graph.addOutput('last_hidden_state', 'float32', ['batch', 'tokens', SIZE])
  graph.removeOutput('logits')
  graph.removeDeadNodes()
  return model
}

/** A tagger: the mail encoder as it was trained, and a linear layer on its last states, of random weights. Real states of real texts. */
export function mailTagger(): Model {
  const graph = new Graph(mailStates())
  const random = randomNumbers(5)
  const weights = Float32Array.from({ length: SIZE * TAGS.length }, () => random() - 0.5)
  graph.addInitializer('tagger/weight', { type: 'float32', dims: [SIZE, TAGS.length], data: weights })
  graph.insert([createNode({ type: 'MatMul', inputs: ['last_hidden_state', 'tagger/weight'], outputs: ['logits'] })])
  graph.addOutput('logits', 'float32', ['batch', 'tokens', TAGS.length])
  graph.removeOutput('last_hidden_state')
  return graph.model
}
