import { prune } from '@tp/compiler'
import { type Method, none, random, schedule, TpError } from '@tp/core'
import { receivedAttention } from '@tp/method-attention'
import { tome, withMerge } from '@tp/method-hybrid'
import { cloneModel, createNode, encodeModel, Graph, type Model } from '@tp/onnx'
import { inParallel } from '../measure/parallel.ts'
import type { Subject } from '../measure/subject.ts'
import type { Context, Section } from '../report/section.ts'
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
        const vectors = await embed(context, subject, file)
        context.onProgress(`${++done} of ${files.length} embedded`)
        return vectors
      }),
    )
    const reference = dense as Vectors
    const found = others.map((vectors, i) => ({
      ...(variants[i] as Variant),
      cosine: mean(vectors.map((vector, row) => dot(vector, reference[row] as Float64Array))),
      both: neighboursKept(reference, vectors, vectors),
      mixed: neighboursKept(reference, vectors, reference),
    }))
    const headings = [
      'method',
      'keep',
      'cosine to dense',
      `nearest ${NEIGHBOURS} kept, index pruned too`,
      'index dense',
    ]
    const rows = found.map(({ name, keep, cosine, both, mixed }) => [
      name,
      `${keep}`,
      cosine.toFixed(3),
      `${(100 * both).toFixed(1)} %`,
      `${(100 * mixed).toFixed(1)} %`,
    ])
    const caption = `Mean of the last hidden states of minilm-sentiment over the tokens; ${TEXTS} sentences of SST-2, ${QUERIES} of them as queries`
    return { tables: [{ caption, headings, rows }], notes: [], values: found.map(({ method: _, ...values }) => values) }
  },
}

type Vectors = readonly Float64Array[]

function fileOf(subject: Subject, model: Model, { method, keep, restore = undefined }: Variant): Uint8Array {
  const plan = keep === undefined ? new Map() : schedule(subject.blocks, { keep, layers })
  const result = prune(model, { method, schedule: plan, ...(restore !== undefined && { restore }) })
  if (!result.ok) throw new TpError(result.refusal.code, 'benchmark', result.refusal.message)
  return encodeModel(result.model)
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

/** One vector of length 1 for each text. */
async function embed({ runtime }: Context, { inputs }: Subject, file: Uint8Array): Promise<Vectors> {
  await using session = await runtime.load(file, { threads: 1, worker: true })
  const vectors: Float64Array[] = []
  for (const row of inputs.targets.keys()) {
    const { [OUTPUT]: output } = await session.run(await inputs.feeds([row]))
    const values = Float64Array.from(output?.data as Float32Array)
    const length = Math.hypot(...values)
    vectors.push(values.map((value) => value / length))
  }
  return vectors
}

/** Share of each query's nearest texts, in the dense model, that are still among its nearest. */
function neighboursKept(reference: Vectors, queries: Vectors, index: Vectors): number {
  return mean(
    Array.from({ length: Math.min(QUERIES, queries.length) }, (_, query) => {
      const wanted = new Set(nearest(reference, reference[query] as Float64Array, query))
      const got = nearest(index, queries[query] as Float64Array, query)
      return got.filter((row) => wanted.has(row)).length / NEIGHBOURS
    }),
  )
}

function nearest(index: Vectors, query: Float64Array, except: number): number[] {
  return index
    .map((vector, row) => ({ row, similarity: row === except ? Number.NEGATIVE_INFINITY : dot(vector, query) }))
    .sort((a, b) => b.similarity - a.similarity)
    .slice(0, NEIGHBOURS)
    .map(({ row }) => row)
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] as number), 0)
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
