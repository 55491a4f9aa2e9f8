import { type Method, none, random, schedule, TpError } from '@tp/core'
import { compareEmbeddings, type Embeddings, embed } from '@tp/eval'
import type { Figure } from '@tp/eval/metrics'
import { receivedAttention } from '@tp/method-attention'
import { tome, withMerge } from '@tp/method-hybrid'
import { cloneModel, createNode, encodeModel, Graph, type Model } from '@tp/onnx'
import { inParallel } from '../measure/parallel.ts'
import type { Subject } from '../measure/subject.ts'
import { prunedModel } from '../measure/variant.ts'
import type { Section } from '../report/section.ts'
import { openMinilm } from './minilm.ts'

/** Texts that are searched, and for which the nearest of the others are looked up. */
const TEXTS = 1000
const QUERIES = 200
const NEIGHBOURS = 10
const layers: readonly number[] = [1, 2, 3, 4, 5]
const OUTPUT = 'embedding'

interface Variant {
  readonly name: string
  readonly method: Method
  readonly keep?: number
  readonly restore?: 'all'
}

const variants: readonly Variant[] = [0.9, 0.7].flatMap((keep) => [
  { name: 'received-attention', method: receivedAttention(), keep },
  { name: 'received-attention, restored', method: receivedAttention(), keep, restore: 'all' as const },
  { name: 'received-attention-merged', method: withMerge(receivedAttention()), keep },
  { name: 'tome', method: tome(), keep },
  { name: 'random', method: random({ seed: 0 }), keep },
])

/** What pruning does to sentence embeddings, and to searching an index that was built with the dense model. */
export const embeddings: Section = {
  name: 'embeddings',
  title: 'Sentence embeddings: how near they stay, and what a search still finds',
  async run(context) {
    const subject = await openMinilm(context, ['sst2', 'dev.tsv'], TEXTS)
    const model = meanPooled(subject.model)
    const files = [
      fileOf(subject, model, { name: 'dense', method: none() }),
      ...variants.map((v) => fileOf(subject, model, v)),
    ]
    let done = 0
    const [dense, ...others] = await inParallel(
      files.map((file) => async () => {
        await using session = await context.runtime.load(file, { threads: 1, worker: true })
        const found = await embed(session, subject.inputs, { output: OUTPUT })
        context.onProgress(`${++done} of ${files.length} embedded`)
        return found
      }),
    )
    const found = others.map((vectors, i) => {
      const nearness = compareEmbeddings(vectors, dense as Embeddings, { neighbours: NEIGHBOURS, queries: QUERIES })
      return {
        ...(variants[i] as Variant),
        cosine: meanOf(nearness.cosine),
        order: meanOf(nearness.rankCorrelation),
        both: meanOf(nearness.neighbours),
        mixed: meanOf(nearness.neighboursInDense),
      }
    })
    const headings = [
      'method',
      'keep',
      'cosine to dense',
      'rank correlation of similarities',
      `nearest ${NEIGHBOURS} kept, index pruned too`,
      'index dense',
    ]
    const rows = found.map(({ name, keep, cosine, order, both, mixed }) => [
      name,
      `${keep}`,
      cosine.toFixed(3),
      order.toFixed(3),
      `${(100 * both).toFixed(1)} %`,
      `${(100 * mixed).toFixed(1)} %`,
    ])
    const caption = `Mean of the last hidden states of minilm-sentiment over the tokens; ${TEXTS} sentences of SST-2, ${QUERIES} of them as queries`
    return { tables: [{ caption, headings, rows }], notes: [], values: found.map(({ method: _, ...values }) => values) }
  },
}

function fileOf(subject: Subject, model: Model, { method, keep, restore = undefined }: Variant): Uint8Array {
  const plan = keep === undefined ? new Map() : schedule(subject.layerCount, { keep, layers })
  const options = { method, schedule: plan, ...(restore !== undefined && { restore }) }
  return encodeModel(prunedModel(model, options, subject.name))
}

/** The same model with the mean of its last hidden states over the real tokens as one more output, [batch, hidden]. */
function meanPooled(source: Model): Model {
  const model = cloneModel(source)
  const graph = new Graph(model)
  const head = graph.nodes.findLast(({ opType }) => opType === 'Gather')
  const mask = graph.inputs.find(({ name }) => name.endsWith('mask'))
  if (head === undefined || mask === undefined)
    throw new TpError('TP_INPUT', 'benchmark', 'not a model with a class token and a mask')
  const [hidden] = head.input as [string]
  graph.addInitializer('pool/last', { type: 'int64', dims: [1], data: BigInt64Array.of(-1n) })
  graph.addInitializer('pool/tokens', { type: 'int64', dims: [1], data: BigInt64Array.of(1n) })
  graph.insert([
    createNode({ type: 'Cast', inputs: [mask.name], outputs: ['pool/mask'], attributes: { to: 1 } }),
    createNode({ type: 'Unsqueeze', inputs: ['pool/mask', 'pool/last'], outputs: ['pool/weights'] }),
    createNode({ type: 'Mul', inputs: [hidden, 'pool/weights'], outputs: ['pool/weighted'] }),
    createNode({
      type: 'ReduceSum',
      inputs: ['pool/weighted', 'pool/tokens'],
      outputs: ['pool/sum'],
      attributes: { keepdims: 0 },
    }),
    createNode({
      type: 'ReduceSum',
      inputs: ['pool/weights', 'pool/tokens'],
      outputs: ['pool/count'],
      attributes: { keepdims: 0 },
    }),
    createNode({ type: 'Div', inputs: ['pool/sum', 'pool/count'], outputs: [OUTPUT] }),
  ])
  graph.addOutput(OUTPUT, 'float32', [undefined, undefined])
  return model
}

function meanOf({ got }: Figure): number {
  return got.reduce((sum, value) => sum + value, 0) / got.length
}
