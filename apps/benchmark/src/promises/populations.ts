import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { type Method, type Schedule, schedule } from '@tp/core'
import {
  compareEmbeddings,
  type Embeddings,
  embed,
  evaluate,
  openDataset,
  type PrepareOptions,
  prepareInputs,
  readModelFolder,
} from '@tp/eval'
import { type Dataset, imageDataset, type ModelInputs, textDataset } from '@tp/eval/inputs'
import type { Figure } from '@tp/eval/metrics'
import { balanced, receivedAttention } from '@tp/method-attention'
import { digitsData, type EmbeddedModelName, embeddedModel, mailData, modelPath } from '@tp/models'
import { createNode, decodeModel, encodeModel, Graph, type Model } from '@tp/onnx'
import { prunedModel } from '../measure/variant.ts'
import { writeWhole } from '../output/write-file.ts'
import { reportPath } from '../report/report.ts'
import type { Context } from '../report/section.ts'

/** What the dense model and prunings of it answer to some examples, which are all there are: draws are made from them. */
export interface Population {
  readonly name: string
  readonly targets: readonly number[]
  readonly dense: readonly (readonly number[])[]
  /** The slowest first. */
  readonly pruned: readonly { readonly name: string; readonly logits: readonly (readonly number[])[] }[]
}

/** Figures that are no counts, of vectors of a real model. */
type Similarities = Readonly<Record<string, Figure>>

interface Source {
  readonly name: string
  readonly path: string
  readonly dataset: Dataset
  readonly prepare: PrepareOptions
  readonly settings: readonly { readonly name: string; readonly method: Method; readonly schedule: Schedule }[]
}

const image = { channels: 1, height: 28, width: 28 }
/** Of data sets that are not the project's; its own are used whole. */
const MOST = 1000

/** What the models answered, kept in `reports/promises-answers.json`: only what is drawn from it is done again. */
export interface Answered {
  readonly populations: readonly Population[]
  readonly similarities: Similarities
}

/** Runs the models on their data, if that has not been done. What lies next to the project is used if it is there. */
export async function answered(context: Context): Promise<Answered> {
  const path = reportPath('json', 'promises-answers')
  try {
    return JSON.parse(await readFile(path, 'utf8'))
  } catch {
    context.onProgress('running the models')
  }
  const populations: Population[] = []
  for (const source of await sources(context)) populations.push(await populationOf(context, source))
  const all = { populations, similarities: await similarities(context) }
  await writeWhole(path, JSON.stringify(all))
  return all
}

async function populationOf(context: Context, { name, path, dataset, prepare, settings }: Source): Promise<Population> {
  const file = await readFile(path)
  const model = decodeModel(file)
  let inputs: ModelInputs | undefined
  const logitsOf = async (what: string, bytes: Uint8Array): Promise<number[][]> => {
    context.onProgress(`${name}, ${what}`)
    await using session = await context.runtime.load(bytes, { threads: 1 })
    inputs ??= await prepareInputs(dataset, session.inputs, prepare)
    const { logits, classes } = await evaluate(session, inputs, { batchSize: 8 })
    return Array.from({ length: logits.length / classes }, (_, i) => [
      ...logits.subarray(i * classes, (i + 1) * classes),
    ])
  }
  const dense = await logitsOf('dense', file)
  const pruned: { name: string; logits: number[][] }[] = []
  for (const setting of settings) {
    pruned.push({
      name: setting.name,
      logits: await logitsOf(setting.name, encodeModel(prunedModel(model, setting, name))),
    })
  }
  return { name, targets: inputs?.targets ?? [], dense, pruned }
}

async function sources({ shared }: Context): Promise<Source[]> {
  const ratio = (layers: readonly number[], keep: number) => ({
    name: `received-attention, keep ${keep}`,
    method: receivedAttention(),
    schedule: schedule(6, { layers, keep }),
  })
  const normalised = (name: EmbeddedModelName): PrepareOptions => {
    const { normalisation } = embeddedModel(name)
    return { normalisation: normalisation && { mean: [normalisation.mean], std: [normalisation.std] } }
  }
  const own: Source[] = [
    {
      name: 'mail',
      path: modelPath('mail'),
      dataset: textDataset('mails', [...mailData('calibration'), ...mailData('test')]),
      prepare: { tokenizer: modelPath('mail', 'tokenizer'), maxTokens: 128 },
      settings: [0.5, 0.25, 0.1, 0.03].map((keep) => ratio([0], keep)),
    },
    {
      name: 'digits-vit',
      path: modelPath('digits-vit'),
      dataset: imageDataset('digits', image, [...digitsData('calibration'), ...digitsData('test')]),
      prepare: normalised('digits-vit'),
      settings: [0.8, 0.55, 0.4].map((keep) => ratio([1], keep)),
    },
  ]
  const alongside: (() => Promise<Source>)[] = [
    async () => ({
      name: 'fashion-vit',
      path: modelPath('fashion-vit'),
      dataset: some(await openDataset(shared('data', 'fashion')), MOST),
      prepare: normalised('fashion-vit'),
      settings: [0.7, 0.5, 0.3].map((keep) => ratio([1], keep)),
    }),
    async () => {
      const path = shared('models', 'minilm-sentiment', 'model.onnx')
      const folder = await readModelFolder(path)
      const settings = [0.85, 0.7, 0.55].map((keep) => ({
        name: `balanced, keep ${keep}`,
        method: balanced({ values: true }),
        schedule: schedule(6, { layers: [1, 2, 3, 4, 5], keep }),
      }))
      const dataset = await openDataset(shared('data', 'sst2', 'dev.tsv'), { labels: folder.labels })
      return { name: 'minilm-sentiment, SST-2', path, dataset, prepare: folder, settings }
    },
  ]
  for (const open of alongside)
    own.push(
      ...(await open().then(
        (source) => [source],
        () => [],
      )),
    )
  return own
}

/** Evenly spaced. */
function some(dataset: Dataset, count: number): Dataset {
  const { examples } = dataset
  const step = Math.max(1, examples.length / count)
  const chosen = Array.from({ length: Math.min(count, examples.length) }, (_, i) => examples[Math.floor(i * step)])
  return { ...dataset, examples: chosen } as Dataset
}

/** Vectors of the mail model's states compared with those of a pruned one. */
async function similarities(context: Context): Promise<Similarities> {
  const model = mailStates()
  const mails = mailData('test').slice(0, MOST)
  const dataset = textDataset('mails', mails)
  let inputs: ModelInputs | undefined
  const vectorsOf = async (own: Model): Promise<Embeddings> => {
    context.onProgress('mail, vectors')
    await using session = await context.runtime.load(encodeModel(own), { threads: 1 })
    const prepare = { tokenizer: modelPath('mail', 'tokenizer'), maxTokens: 128 }
    inputs ??= await prepareInputs(dataset, session.inputs, prepare)
    return await embed(session, inputs, { batchSize: 8 })
  }
  const dense = await vectorsOf(model)
  const cut = prunedModel(
    model,
    { method: receivedAttention(), schedule: schedule(3, { layers: [0, 1], keep: 0.5 }) },
    'mail',
  )
  const near = compareEmbeddings(await vectorsOf(cut), dense, { queries: mails.length })
  return { ...near }
}

const WIDTH = 128

/** The first layers of the mail model with their states as an output: real vectors of real texts. */
function mailStates(): Model {
  const model = decodeModel(readFileSync(modelPath('mail')))
  const graph = new Graph(model)
  // One norm behind the embeddings and two in each layer: those of layer 2.
  const [states = ''] = graph.nodes.filter(({ opType }) => opType === 'LayerNormalization')[6]?.output ?? []
  graph.insert([createNode({ type: 'Identity', inputs: [states], outputs: ['last_hidden_state'] })])
  graph.addOutput('last_hidden_state', 'float32', ['batch', 'tokens', WIDTH])
  graph.removeOutput('logits')
  graph.removeDeadNodes()
  return model
}
