import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type PrepareOptions, readModelFolder } from '@tp/data'
import type { Dataset } from '@tp/data/inputs'
import { type EmbeddedModelName, embeddedModel, modelPath } from '@tp/models'
import type { Model } from '@tp/onnx'
import { type Files, limits, publishedModel } from '../files.ts'
import { type DataName, type DataSplit, dataSets } from './data.ts'
import { classes, type Metric, vectors } from './metrics.ts'
import { tokenStates } from './token-states.ts'

/** Files of a model. */
interface ModelFiles {
  readonly model: string
  /** The same with 8-bit products. */
  readonly int8?: string
  readonly tokenizer?: string
}

/** A model with a task: what everything is measured on. */
export interface SubjectForm {
  readonly name: string
  readonly title: string
  /** The name of its examples, in the plural. */
  readonly what: string
  readonly modality: Dataset['modality']
  readonly data: DataName
  readonly layers: number
  /** Its files are part of the project. */
  readonly embedded: boolean
  /** Layers at which tokens are pruned little by little, and one at which they are pruned at once. */
  readonly gradual: readonly number[]
  readonly atOnce: number
  /** Tokens of every example, where all have the same. */
  readonly tokens?: number
  /** @throws TpError TP_FILE_NOT_FOUND */
  readonly files: (files: Files) => ModelFiles
  /** The worth of its answers. */
  readonly metric: Metric
  /** The measured form of the file, if not the file as it is. */
  readonly part?: (model: Model) => Model
  /** The facts that making inputs of its data requires. */
  readonly prepare: (files: Files) => Promise<PrepareOptions>
}

export type SubjectName =
  | 'clauses'
  | 'mail'
  | 'mail-vectors'
  | 'digits-vit'
  | 'minilm-imdb'
  | 'minilm-sst2'
  | 'minilm-vectors'
  | 'all-MiniLM-L6-v2'
  | 'fashion-vit'
  | 'vit-mnist'
  | 'kwt1'

/** Not the first layer, where tokens may be pruned at once, nor the last, after which little is computed. */
const sixLayers = { layers: 6, gradual: [1, 2, 3, 4], metric: classes as Metric }

const mail: SubjectForm = {
  ...sixLayers,
  name: 'mail',
  title: 'mail: spam or not, BERT 6×128',
  what: 'mails',
  modality: 'text',
  data: 'mails',
  embedded: true,
  atOnce: 0,
  files: () => ({
    model: modelPath('mail'),
    int8: modelPath('mail', 'int8'),
    tokenizer: modelPath('mail', 'tokenizer'),
  }),
  prepare: async () => textsFor('mail'),
}

const minilm = {
  ...sixLayers,
  modality: 'text',
  embedded: false,
  files: minilmFiles,
  prepare: (files: Files) => readModelFolder(minilmFiles(files).model),
} as const

const minilmSst2: SubjectForm = {
  ...minilm,
  name: 'minilm-sst2',
  title: 'minilm-sentiment on SST-2: sentences, MiniLM 6×384',
  what: 'sentences',
  data: 'sst2',
  atOnce: 1,
}

const asVectors = { metric: vectors as Metric, part: tokenStates }

const image = { ...sixLayers, what: 'images', modality: 'image', embedded: false, atOnce: 1 } as const

/** All models with all their tasks. */
export const subjects: Readonly<Record<SubjectName, SubjectForm>> = {
  clauses: {
    name: 'clauses',
    title: 'clauses: the clause in a passage of a contract, BERT 4×128',
    what: 'passages',
    modality: 'text',
    data: 'clauses',
    layers: 4,
    metric: classes as Metric,
    gradual: [0, 1, 2],
    atOnce: 0,
    embedded: true,
    files: () => ({ model: modelPath('clauses'), tokenizer: modelPath('clauses', 'tokenizer') }),
    prepare: async () => textsFor('clauses'),
  },
  mail,
  'mail-vectors': { ...mail, name: 'mail-vectors', title: 'mail: means of its last states', ...asVectors },
  'digits-vit': {
    ...image,
    name: 'digits-vit',
    title: 'digits-vit: handwritten digits, ViT 6×64',
    data: 'digits',
    embedded: true,
    tokens: 197,
    files: () => ({ model: modelPath('digits-vit') }),
    prepare: async () => normalized('digits-vit'),
  },
  'minilm-imdb': {
    ...minilm,
    name: 'minilm-imdb',
    title: 'minilm-sentiment on IMDB: long reviews, MiniLM 6×384',
    what: 'reviews',
    data: 'imdb',
    atOnce: 0,
  },
  'minilm-sst2': minilmSst2,
  'minilm-vectors': {
    ...minilmSst2,
    name: 'minilm-vectors',
    title: 'minilm-sentiment: means of its last states',
    ...asVectors,
  },
  'all-MiniLM-L6-v2': {
    ...minilmSst2,
    name: 'all-MiniLM-L6-v2',
    title: 'all-MiniLM-L6-v2: sentence embeddings, means of its last states',
    metric: vectors as Metric,
    files: () => ({ model: publishedModel('all-MiniLM-L6-v2') }),
    prepare: () => readModelFolder(publishedModel('all-MiniLM-L6-v2')),
  },
  'fashion-vit': {
    ...image,
    name: 'fashion-vit',
    title: 'fashion-vit: images of clothing, 197 tokens',
    data: 'fashion',
    tokens: 197,
    files: ({ shared }) => ({ model: shared('models', 'fashion-vit', 'model.onnx') }),
    prepare: async () => ({ normalization: { mean: [0.286], std: [0.353] } }),
  },
  'vit-mnist': {
    ...image,
    name: 'vit-mnist',
    title: 'vit-mnist: handwritten digits, 50 tokens',
    data: 'mnist',
    tokens: 50,
    files: ({ shared }) => ({ model: shared('models', 'vit-mnist', 'model.onnx') }),
    prepare: async () => normalized('digits-vit'),
  },
  kwt1: {
    name: 'kwt1',
    title: 'kwt1: spoken words, 99 tokens',
    what: 'words',
    modality: 'audio',
    data: 'keywords',
    layers: 12,
    metric: classes as Metric,
    gradual: [2, 4, 6, 8],
    atOnce: 1,
    embedded: false,
    tokens: 99,
    files: ({ shared }) => ({ model: shared('models', 'kwt1', 'model.onnx') }),
    prepare: async () => ({ sampleRate: 16_000 }),
  },
}

function minilmFiles({ shared }: Files): ModelFiles {
  const file = (name: string): string => shared('models', 'minilm-sentiment', name)
  return { model: file('model.onnx'), int8: file('model.int8.onnx'), tokenizer: file('tokenizer.json') }
}

function textsFor(model: EmbeddedModelName): PrepareOptions {
  return { tokenizer: modelPath(model, 'tokenizer'), maxTokens: embeddedModel(model).maxTokens }
}

function normalized(model: EmbeddedModelName): PrepareOptions {
  const { normalization } = embeddedModel(model)
  return { normalization: normalization && { mean: [normalization.mean], std: [normalization.std] } }
}

/** The first `limit` examples of a split. */
export function dataOf(
  { data }: SubjectForm,
  files: Files,
  split: DataSplit,
  limit: number = Number.POSITIVE_INFINITY,
): Promise<Dataset> {
  return dataSets[data](files, split, Math.min(limit, limits.examples))
}

/** Identifies a subject's files by their contents. @throws TpError TP_FILE_NOT_FOUND */
export async function fingerprint(form: SubjectForm, files: Files): Promise<string> {
  const hash = createHash('sha256')
  for (const path of Object.values(form.files(files))) {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
  }
  return hash.digest('hex').slice(0, 16)
}
