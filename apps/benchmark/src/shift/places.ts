import type { Method } from '@tp/core'
import { openDataset, type PrepareOptions, readModelFolder } from '@tp/eval'
import type { Dataset } from '@tp/eval/inputs'
import { namedShift, type Shift, shiftSuite } from '@tp/eval/shifts'
import { balanced, receivedAttention } from '@tp/method-attention'
import { tome } from '@tp/method-hybrid'
import { runOf } from '../learned/methods.ts'
import { sdtpOfReviews, sdtpOfSentences } from '../learned/networks.ts'
import { type LearnedFile, learnedFile } from '../learned/runs.ts'
import { openSst2, type Sst2 } from '../learned/sst2.ts'
import type { Budget } from '../measure/compare.ts'
import type { Context } from '../report/section.ts'
import { encoders } from '../vision/encoders.ts'
import { sentenceSet, sentenceSets } from './sentence-sets.ts'

/** A model with data like those it has learned from, and what shifts them. */
export interface Place {
  readonly path: string
  readonly prepare: PrepareOptions
  readonly dataset: Dataset
  /** What budgets are chosen on; without it there is but one budget. */
  readonly calibration?: Dataset
  readonly shifts: readonly Shift[]
  readonly others?: Readonly<Record<string, Dataset>>
  readonly lengthBins?: number
  /** The fewest tokens last. */
  readonly budgets: readonly Budget[]
  /** They serve any budget. */
  readonly methods: readonly Method[]
  /** What serves no budget but the one that it has learned. */
  readonly trained?: readonly Trained[]
}

/** A model that has learned with a method in it. */
export interface Trained {
  readonly method: Method
  /** Of the FLOPs, which was aimed at. */
  readonly share: number
  readonly file: LearnedFile
}

/** Two that score by attention, and one that merges. */
const withoutTraining: readonly Method[] = [receivedAttention(), balanced(), tome()]

const EXAMPLES = 500
const BINS = 4
const LADDER = [0.95, 0.9, 0.85, 0.8, 0.7]
const eachOf = (layers: readonly number[]): Budget[] => LADDER.map((keep) => ({ keep, layers }))
/** Of six layers; what leaves in the last one spares its FFN alone. */
const textLayers = [1, 2, 3, 4]
/** A review takes as long as ten sentences do. */
const REVIEWS = 400

/** Most texts of SST-2's training set are parts of sentences, those of its dev set are whole ones. */
const LEAST_WORDS = 12

export async function openSst2Place(context: Context): Promise<Place> {
  const { path, prepare, read } = await minilm(context)
  const sst2 = await openSst2(context)
  const training = await read('sst2', 'train.tsv')
  const whole: Dataset['examples'][number][] = []
  for (const example of training.examples) {
    if (whole.length === EXAMPLES) break
    if (((await example.read()) as string).split(' ').length >= LEAST_WORDS) whole.push(example)
  }
  return {
    path,
    prepare,
    dataset: await read('sst2', 'dev.tsv', EXAMPLES),
    calibration: { ...training, examples: whole } as Dataset,
    // Where nothing is cut off, it matters little on which side padding stands.
    shifts: shiftSuite('text').filter(({ name }) => !/^padding-(before|after)/.test(name)),
    others: Object.fromEntries(sentenceSets.map((name) => [`${name} sentences`, sentenceSet(name)])),
    lengthBins: BINS,
    budgets: eachOf(textLayers),
    methods: [...withoutTraining, await sdtpOfSentences(context, sst2)],
    trained: [await policies(context, sst2)],
  }
}

/** Half of the FLOPs saves a third of the time on sentences. */
const SHARE = 0.5

/** Learned by reinforcement from sentences of SST-2, in a quarter of an hour if it has not been yet. */
async function policies(context: Context, { dev, ...split }: Sst2): Promise<Trained> {
  const run = runOf('tr-bert', SHARE)
  return { method: run.method, share: run.share, file: await learnedFile(context, run, { ...dev, ...split }) }
}

export async function openImdbPlace(context: Context): Promise<Place> {
  const { path, prepare, read } = await minilm(context)
  return {
    path,
    prepare,
    dataset: await read('imdb', 'test.tsv', REVIEWS),
    calibration: await read('imdb', 'calibration.tsv', REVIEWS),
    shifts: [
      namedShift('text', 'typos', 3),
      // At the second severity, twice as many words, most reviews still fit into 512 tokens.
      ...['before', 'around'].map((where) => namedShift('text', `padding-${where}`, 2)),
    ],
    lengthBins: BINS,
    budgets: eachOf(textLayers),
    methods: [...withoutTraining, await sdtpOfReviews(context)],
  }
}

async function minilm({ shared }: Context) {
  const path = shared('models', 'minilm-sentiment', 'model.onnx')
  const prepare = await readModelFolder(path)
  const { labels } = prepare
  const read = (folder: string, file: string, limit?: number): Promise<Dataset> =>
    openDataset(shared('data', folder, file), { labels, limit })
  return { path, prepare, read }
}

/** The first half of the images is to choose by, the second half is reported. */
export async function openImagePlace(context: Context, name: string): Promise<Place> {
  const { model, data, prepare, gradual } = encoderOf(name)
  const dataset = await data(context)
  const half = dataset.examples.length / 2
  const from = (start: number): Dataset =>
    ({ ...dataset, examples: dataset.examples.slice(start, start + EXAMPLES) }) as Dataset
  return {
    path: model(context),
    prepare,
    dataset: from(half),
    calibration: from(0),
    shifts: shiftSuite('image'),
    budgets: eachOf(gradual),
    methods: withoutTraining,
  }
}

/** A hundred sounds are too few to choose by as well. */
export async function openSoundPlace(context: Context): Promise<Place> {
  const { model, data, prepare, gradual } = encoderOf('kwt1')
  return {
    path: model(context),
    prepare,
    dataset: await data(context),
    shifts: shiftSuite('audio'),
    budgets: [{ keep: 0.8, layers: gradual }],
    methods: withoutTraining,
  }
}

function encoderOf(name: string): (typeof encoders)[number] {
  return encoders.find((encoder) => encoder.name === name) as (typeof encoders)[number]
}
