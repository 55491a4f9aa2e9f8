import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { isTpError } from '@tp/core'
import { openDataset, type PrepareOptions, readModelFolder } from '@tp/eval'
import { type Dataset, imageDataset, type TextDataset, textDataset } from '@tp/eval/inputs'
import { digitsData, embeddedModel, mailData, modelPath } from '@tp/models'
import { readOnce } from '../measure/read-once.ts'
import { openSubject, type Subject } from '../measure/subject.ts'
import type { Context } from '../report/section.ts'
import { sentenceSet, sentenceSets } from '../shift/sentence-sets.ts'
import { encoders } from '../vision/encoders.ts'
import type { Split } from './cell.ts'

/** A model with a task, before it is opened. */
export interface SubjectForm {
  readonly name: string
  readonly title: string
  /** What its examples are, in the plural. */
  readonly what: string
  readonly modality: Dataset['modality']
  readonly layerCount: number
  /** Its files are part of the project. */
  readonly embedded: boolean
  /** Layers that tokens leave little by little, and one that they leave at once. */
  readonly gradual: readonly number[]
  readonly atOnce: number
  /** Examples of each split; without calibration data nothing is chosen. */
  readonly examples: { readonly calibration: number; readonly test: number }
  /** Tokens of every example, where all have the same. */
  readonly tokens?: number
  /** It is timed in batches of all shapes, for which texts have to be long enough. */
  readonly grid: boolean
  /** @throws TpError TP_FILE_NOT_FOUND */
  readonly files: (context: SharedFiles) => SubjectFiles
  readonly data: (context: SharedFiles, split: Split, examples: number) => Promise<Dataset>
  /** What has to be known to make inputs of its data. */
  readonly prepare: (context: SharedFiles) => Promise<PrepareOptions>
  /** Data of the same classes from elsewhere, by name. */
  readonly elsewhere?: () => Readonly<Record<string, Dataset>>
  /** Learned files of `reports/learned` that are of this model and task: how their names begin. */
  readonly learned?: string
}

interface SubjectFiles {
  readonly model: string
  readonly int8?: string
  readonly tokenizer?: string
}

export type SharedFiles = Pick<Context, 'runtime' | 'shared'>

const sixLayers = { layerCount: 6, gradual: [1, 2, 3, 4] }

/** Parts of SST-2's training sentences are training texts as well: only whole ones are like those of its dev set. */
const LEAST_WORDS = 12

export const subjectForms: readonly SubjectForm[] = [
  {
    ...sixLayers,
    name: 'mail',
    title: 'mail: spam or not, BERT 6×128',
    what: 'mails',
    modality: 'text',
    embedded: true,
    atOnce: 0,
    examples: { calibration: 699, test: 1257 },
    grid: true,
    files: () => ({
      model: modelPath('mail'),
      int8: modelPath('mail', 'int8'),
      tokenizer: modelPath('mail', 'tokenizer'),
    }),
    data: async (_, split, examples) => textDataset('mails', mailData(split).slice(0, examples)),
    prepare: async () => ({ tokenizer: modelPath('mail', 'tokenizer'), maxTokens: embeddedModel('mail').maxTokens }),
  },
  {
    ...sixLayers,
    name: 'digits-vit',
    title: 'digits-vit: handwritten digits, ViT 6×64',
    what: 'images',
    modality: 'image',
    embedded: true,
    atOnce: 1,
    examples: { calibration: 500, test: 1008 },
    tokens: 197,
    grid: true,
    files: () => ({ model: modelPath('digits-vit') }),
    data: async (_, split, examples) => digits(split, examples),
    prepare: async () => {
      const { mean, std } = embeddedModel('digits-vit').normalisation as { mean: number; std: number }
      return { normalisation: { mean: [mean], std: [std] } }
    },
  },
  {
    ...sixLayers,
    name: 'minilm-imdb',
    title: 'minilm-sentiment on IMDB: long reviews, MiniLM 6×384',
    what: 'reviews',
    modality: 'text',
    embedded: false,
    atOnce: 0,
    examples: { calibration: 400, test: 500 },
    grid: true,
    files: minilmFiles,
    data: async (context, split, examples) => {
      const { labels } = await minilmFolder(context)
      return openDataset(context.shared('data', 'imdb', `${split}.tsv`), { labels, limit: examples })
    },
    prepare: minilmFolder,
    elsewhere: sentences,
    learned: 'imdb-',
  },
  {
    ...sixLayers,
    name: 'minilm-sst2',
    title: 'minilm-sentiment on SST-2: sentences, MiniLM 6×384',
    what: 'sentences',
    modality: 'text',
    embedded: false,
    atOnce: 1,
    examples: { calibration: 800, test: 872 },
    grid: false,
    files: minilmFiles,
    data: sst2,
    prepare: minilmFolder,
    elsewhere: sentences,
    learned: '',
  },
  ...(['fashion-vit', 'vit-mnist', 'kwt1'] as const).map(fromEncoder),
]

function minilmFiles({ shared }: SharedFiles): SubjectFiles {
  const file = (name: string): string => shared('models', 'minilm-sentiment', name)
  return { model: file('model.onnx'), int8: file('model.int8.onnx'), tokenizer: file('tokenizer.json') }
}

function minilmFolder(context: SharedFiles): ReturnType<typeof readModelFolder> {
  return readModelFolder(minilmFiles(context).model)
}

async function sst2(context: SharedFiles, split: Split, examples: number): Promise<Dataset> {
  const { shared } = context
  const { labels } = await minilmFolder(context)
  if (split === 'test') return openDataset(shared('data', 'sst2', 'dev.tsv'), { labels, limit: examples })
  const all = (await openDataset(shared('data', 'sst2', 'train.tsv'), { labels, limit: 6 * examples })) as TextDataset
  const whole: TextDataset['examples'][number][] = []
  for (const example of all.examples) {
    if ((await example.read()).split(' ').length >= LEAST_WORDS) whole.push(example)
  }
  return { ...all, examples: whole.slice(0, examples) }
}

function sentences(): Record<string, Dataset> {
  return Object.fromEntries(sentenceSets.map((name) => [`${name} sentences`, sentenceSet(name)]))
}

function digits(split: Split, examples: number): Dataset {
  // they come in the order of their classes
  const all = digitsData(split)
  const step = Math.max(1, Math.floor(all.length / examples))
  const some = all.filter((_, i) => i % step === 0).slice(0, examples)
  return imageDataset('digits', { channels: 1, height: 28, width: 28 }, some)
}

/** One of the encoders of images and speech, with the data that the reports of vision have. */
function fromEncoder(name: 'fashion-vit' | 'vit-mnist' | 'kwt1'): SubjectForm {
  const encoder = encoders.find((one) => one.name === name) as (typeof encoders)[number]
  const speech = name === 'kwt1'
  const at = (shared: SharedFiles): Context => ({ ...shared, found: () => undefined, onProgress() {} })
  return {
    name,
    title: encoder.title,
    what: speech ? 'words' : 'images',
    modality: speech ? 'audio' : 'image',
    embedded: false,
    layerCount: speech ? 12 : 6,
    gradual: encoder.gradual,
    atOnce: 1,
    examples: speech ? { calibration: 0, test: 100 } : { calibration: 1000, test: 2000 },
    tokens: { 'fashion-vit': 197, 'vit-mnist': 50, kwt1: 99 }[name],
    grid: true,
    files: (context) => ({ model: encoder.model(at(context)) }),
    data: async (context, split, examples) => {
      const dataset = await encoder.data(at(context))
      // the first half is for choosing, where there is enough
      const from = speech || split === 'calibration' ? 0 : dataset.examples.length / 2
      return { ...dataset, examples: dataset.examples.slice(from, from + examples) } as Dataset
    },
    prepare: async () => encoder.prepare,
    ...(name === 'fashion-vit' && { learned: 'fashion-' }),
  }
}

/** A split of a subject's data with its model. */
export async function openForm(
  form: SubjectForm,
  context: SharedFiles,
  split: Split,
  examples: number,
): Promise<Subject> {
  const { name } = form
  const dataset = await form.data(context, split, Math.min(examples, form.examples[split]))
  const subject = await openSubject(context.runtime, {
    name,
    path: form.files(context).model,
    dataset,
    prepare: await form.prepare(context),
  })
  return form.modality === 'text' ? subject : { ...subject, inputs: readOnce(subject.inputs) }
}

/** Identifies a subject's files by their contents. @throws TpError TP_FILE_NOT_FOUND */
export async function fingerprint(form: SubjectForm, context: SharedFiles): Promise<string> {
  const hash = createHash('sha256')
  for (const path of Object.values(form.files(context))) {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
  }
  return hash.digest('hex').slice(0, 16)
}

/** Why a subject has to be left out: what it needs is not here. */
export function whyMissing(error: unknown): string {
  if (isTpError(error) && error.code === 'TP_FILE_NOT_FOUND') return error.message
  throw error
}
