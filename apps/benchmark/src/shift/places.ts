import {
  type Dataset,
  namedShift,
  openDataset,
  type PrepareOptions,
  readModelFolder,
  type Shift,
  shiftSuite,
} from '@tp/eval'
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
}

const EXAMPLES = 500
const BINS = 4
const LADDER = [0.95, 0.9, 0.85, 0.8, 0.7]
const eachOf = (layers: readonly number[]): Budget[] => LADDER.map((keep) => ({ keep, layers }))
const textBlocks = [1, 2, 3, 4, 5]
/** A review takes as long as ten sentences do. */
const REVIEWS = 100

/** Most texts of SST-2's training set are parts of sentences, those of its dev set are whole ones. */
const LEAST_WORDS = 12

export async function openSst2Place(context: Context): Promise<Place> {
  const { path, prepare, read } = await minilm(context)
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
    budgets: eachOf(textBlocks),
  }
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
    budgets: eachOf(textBlocks),
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

/** The first half of the pictures is to choose by, the second half is reported. */
export async function openPicturePlace(context: Context, name: string): Promise<Place> {
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
  }
}

function encoderOf(name: string): (typeof encoders)[number] {
  return encoders.find((encoder) => encoder.name === name) as (typeof encoders)[number]
}
