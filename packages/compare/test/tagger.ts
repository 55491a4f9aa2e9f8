import { readFileSync } from 'node:fs'
import type { TaggedDataset } from '@tp/data'
import { loadTokenizer, readModelFolder, taggedInputs } from '@tp/data'
import { IGNORED } from '@tp/data/inputs'
import { mailData, modelPath } from '@tp/models'
import { createNode, decodeModel, encodeModel, Graph, type Model } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'

/** Tags that rules can set: numbers, and words that hold sentences together, in runs. */
export const TAGS: readonly string[] = ['O', 'B-NUMBER', 'I-NUMBER', 'B-FUNCTION', 'I-FUNCTION']

/** By how a word begins, since its first piece is judged. */
const KINDS: readonly (readonly [string, RegExp])[] = [
  ['NUMBER', /^\d/],
  ['FUNCTION', /^(?:the|an?|of|in|on|at|to|for|from|by|with|and|or|but|this|that|it|is|are|was|be|has|have)$/i],
]

/** Mails in words, tagged by rules: nobody's judgment, but words that a model can tell only by what they are. */
export function taggedMails(split: 'train' | 'dev' | 'calibration' | 'test', count: number): TaggedDataset {
  const sentences = mailData(split)
    .slice(0, count)
    .map(({ text }, mail) => {
      const words = text.split(' ').slice(0, 60)
      const kinds = words.map((word) => KINDS.find(([, form]) => form.test(word))?.[0])
      const tags = kinds.map((kind, i) => {
        const name = kind === undefined ? 'O' : `${kind === kinds[i - 1] ? 'I' : 'B'}-${kind}`
        return TAGS.indexOf(name)
      })
      return { words, tags, source: `mail ${mail}` }
    })
  return { source: 'tagged mails', sentences }
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

/**
 * A tagger: the mail encoder as it was trained, and a linear layer on its last states that is fitted by least squares to
 * the tags of some mails. Real states of real texts; the tags are those of {@link taggedMails}.
 */
export async function mailTagger(mails: TaggedDataset): Promise<Model> {
  const model = mailStates()
  const { weights, bias } = await fit(model, mails)
  const graph = new Graph(model)
  graph.addInitializer('tagger/weight', { type: 'float32', dims: [SIZE, TAGS.length], data: weights })
  graph.addInitializer('tagger/bias', { type: 'float32', dims: [TAGS.length], data: bias })
  graph.insert([
    createNode({ type: 'MatMul', inputs: ['last_hidden_state', 'tagger/weight'], outputs: ['tagger/product'] }),
    createNode({ type: 'Add', inputs: ['tagger/product', 'tagger/bias'], outputs: ['logits'] }),
  ])
  graph.addOutput('logits', 'float32', ['batch', 'tokens', TAGS.length])
  graph.removeOutput('last_hidden_state')
  return model
}

/** Of the squares of the weights, next to those of the residuals, for each token. */
const RIDGE = 1e-4
/** How much more a token counts that is not `O`: there are few. */
const RARE = 3

async function fit(model: Model, mails: TaggedDataset): Promise<{ weights: Float32Array; bias: Float32Array }> {
  await using session = await nodeRuntime().load(encodeModel(model), { threads: 1 })
  const { tokenizer = '', ...known } = await readModelFolder(modelPath('mail'))
  const inputs = await taggedInputs(mails, session.inputs, await loadTokenizer(tokenizer), known)
  // Normal equations of states followed by a 1.
  const width = SIZE + 1
  const gram = Array.from({ length: width }, () => new Float64Array(width))
  const right = Array.from({ length: width }, () => new Float64Array(TAGS.length))
  let count = 0
  for (const [mail, tags] of inputs.tags.entries()) {
    const { last_hidden_state: output } = await session.run(await inputs.feeds([mail]))
    const states = output?.data as Float32Array
    for (const [token, tag] of tags.entries()) {
      if (tag === IGNORED) continue
      const state = [...states.subarray(token * SIZE, (token + 1) * SIZE), 1]
      const weight = tag === 0 ? 1 : RARE
      for (let i = 0; i < width; i++) {
        const [row, value] = [gram[i] as Float64Array, weight * (state[i] as number)]
        for (let j = 0; j < width; j++) row[j] = (row[j] as number) + value * (state[j] as number)
        const own = right[i] as Float64Array
        own[tag] = (own[tag] as number) + value
      }
      count++
    }
  }
  for (const [i, row] of gram.entries()) row[i] = (row[i] as number) + RIDGE * count
  const solved = solve(gram, right)
  return {
    weights: Float32Array.from(solved.slice(0, SIZE).flatMap((row) => [...row])),
    bias: Float32Array.from(solved[SIZE] as Float64Array),
  }
}

/** Solves a·x = b by elimination; `a` is symmetric and positive, so that no rows have to be exchanged. */
function solve(a: readonly Float64Array[], b: readonly Float64Array[]): Float64Array[] {
  const reduce = (into: Float64Array, from: Float64Array, times: number): void => {
    for (let i = 0; i < into.length; i++) into[i] = (into[i] as number) - times * (from[i] as number)
  }
  for (const [pivot, row] of a.entries()) {
    for (let below = 0; below < a.length; below++) {
      if (below === pivot) continue
      const other = a[below] as Float64Array
      const times = (other[pivot] as number) / (row[pivot] as number)
      reduce(other, row, times)
      reduce(b[below] as Float64Array, b[pivot] as Float64Array, times)
    }
  }
  return b.map((row, i) => row.map((value) => value / (a[i]?.[i] as number)))
}
