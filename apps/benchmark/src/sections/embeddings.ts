import { TpError } from '@tp/core'
import { compareEmbeddings, type Embeddings, embed } from '@tp/eval'
import { cloneModel, createNode, encodeModel, Graph, type Model } from '@tp/onnx'
import { mean } from 'simple-statistics'
import { inParallel } from '../measure/measure.ts'
import { prunedModel, withoutDeadTokens } from '../measure/prepare.ts'
import { openSubject } from '../measure/subject.ts'
import { methodOf, scheduleFor } from '../registry/methods.ts'
import { subjects } from '../registry/subjects.ts'
import { percent } from '../report/numbers.ts'
import type { Section } from '../report/section.ts'
import { tableOf } from '../report/table.ts'

/** Texts that are searched, and for which the nearest of the others are looked up. */
const TEXTS = 1000
const QUERIES = 200
const NEIGHBOURS = 10
const OUTPUT = 'embedding'

const variants = [0.9, 0.7].flatMap((keep) => [
  { method: 'received-attention', restored: false, keep },
  { method: 'received-attention', restored: true, keep },
  { method: 'received-attention-merged', restored: false, keep },
  { method: 'tome', restored: false, keep },
  { method: 'random', restored: false, keep },
])

/** What pruning does to sentence embeddings, and to searching an index that was built with the dense model. */
export const embeddings: Section = {
  name: 'embeddings',
  async run({ onProgress, ...context }) {
    const subject = await openSubject(context, subjects['minilm-sst2'], 'test', TEXTS)
    const model = meanPooled(subject.model)
    const models = variants.map(({ method, restored, keep }) => {
      const amounts = scheduleFor(subject.layers, { keep, layers: [1, 2, 3, 4, 5] })
      const options = { method: methodOf({ method }), schedule: amounts, ...(restored && { restore: 'all' as const }) }
      return prunedModel(model, options, subject.name)
    })
    const all = [withoutDeadTokens(model, subject.name), ...models].map((one) => encodeModel(one))
    const [dense, ...others] = await inParallel(
      all.map((file) => async () => {
        await using session = await context.runtime.load(file, { threads: 1, worker: true })
        return await embed(session, subject.inputs, { output: OUTPUT })
      }),
      (done) => onProgress(`${done} of ${all.length} embedded`),
    )
    const options = { neighbours: NEIGHBOURS, queries: QUERIES }
    const rows = variants.map((variant, i) => {
      const near = compareEmbeddings(others[i] as Embeddings, dense as Embeddings, options)
      const { cosine, rankCorrelation, neighbours, neighboursInDense } = near
      const [own, order, both, mixed] = [cosine, rankCorrelation, neighbours, neighboursInDense].map(({ got }) =>
        mean(got),
      )
      return { ...variant, figures: [own, order, both, mixed] as [number, number, number, number] }
    })
    return {
      tables: [
        tableOf(
          `Mean of the last hidden states of minilm-sentiment over the tokens; ${subject.lengths.length} sentences of SST-2, ${QUERIES} of them as queries`,
          {
            method: ({ method, restored }) => (restored ? `${method}, restored` : method),
            keep: ({ keep }) => `${keep}`,
            'cosine to dense': ({ figures: [own] }) => own.toFixed(3),
            'rank correlation of similarities': ({ figures: [, order] }) => order.toFixed(3),
            [`nearest ${NEIGHBOURS} kept, index pruned too`]: ({ figures: [, , both] }) => percent(both),
            'index dense': ({ figures: [, , , mixed] }) => percent(mixed),
          },
          rows,
        ),
      ],
      values: rows,
    }
  },
}

/** The same model with the mean of its last hidden states over the attended tokens as one more output, [batch, hidden]. */
function meanPooled(source: Model): Model {
  const model = cloneModel(source)
  const graph = new Graph(model)
  const head = graph.nodes.findLast(({ opType }) => opType === 'Gather')
  const mask = graph.inputs.find(({ name }) => name.endsWith('mask'))
  if (head === undefined || mask === undefined)
    throw new TpError('TP_INPUT', 'benchmark', 'not a model with a class token and a mask')
  const [hidden] = head.input as [string]
  const axis = (name: string, at: bigint) =>
    graph.addInitializer(name, { type: 'int64', dims: [1], data: BigInt64Array.of(at) })
  axis('pool/last', -1n)
  axis('pool/tokens', 1n)
  const node = (type: string, inputs: string[], output: string, attributes = {}) =>
    createNode({ type, inputs, outputs: [output], attributes })
  const sum = { keepdims: 0 }
  graph.insert([
    node('Cast', [mask.name], 'pool/mask', { to: 1 }),
    node('Unsqueeze', ['pool/mask', 'pool/last'], 'pool/weights'),
    node('Mul', [hidden, 'pool/weights'], 'pool/weighted'),
    node('ReduceSum', ['pool/weighted', 'pool/tokens'], 'pool/sum', sum),
    node('ReduceSum', ['pool/weights', 'pool/tokens'], 'pool/count', sum),
    node('Div', ['pool/sum', 'pool/count'], OUTPUT),
  ])
  graph.addOutput(OUTPUT, 'float32', [undefined, undefined])
  return model
}
