import { type Method, type Schedule, schedule } from '@tp/core'
import { openDataset, type PrepareOptions, readModelFolder } from '@tp/eval'
import { type Dataset, imageDataset, textDataset } from '@tp/eval/inputs'
import { namedShift, shifted } from '@tp/eval/shifts'
import { balanced, receivedAttention } from '@tp/method-attention'
import { digitsData, embeddedModel, mailData, modelPath } from '@tp/models'
import type { Context } from '../report/section.ts'
import { readTopics } from './topics.ts'

/** A model, what is pruned of it, and data: drawn alike to calibrate and to test, and drawn otherwise. */
export interface GuardedModel {
  readonly name: string
  readonly path: string
  readonly settings: readonly Setting[]
  readonly prepare: PrepareOptions
  readonly calibration: Dataset
  readonly test: Dataset
  /** By name. Labels mean nothing where the classes are others. */
  readonly shifts: readonly ShiftedData[]
}

export interface Setting {
  readonly name: string
  readonly method: Method
  readonly schedule: Schedule
}

interface ShiftedData {
  readonly name: string
  readonly dataset: Dataset
  readonly labelled: boolean
}

/** Reviews to calibrate on, and as many to test on: a promise of 99 % takes a few hundred. */
const REVIEWS = 1000
/** Enough to tell what a cascade gives, few enough to be run on every shift. */
const SHIFTED = 300
const OTHERS = 1000

const layers = [1, 2, 3, 4, 5]

export async function openSentiment({ shared }: Context): Promise<GuardedModel> {
  const path = shared('models', 'minilm-sentiment', 'model.onnx')
  const folder = await readModelFolder(path)
  const open = (...data: string[]): Promise<Dataset> => openDataset(shared('data', ...data), { labels: folder.labels })
  const test = some(await open('imdb', 'test.tsv'), REVIEWS)
  const part = some(test, SHIFTED)
  const shift = shiftOf(part)
  return {
    name: 'minilm-sentiment',
    path,
    settings: [
      {
        name: 'balanced, keep 0.62',
        method: balanced({ values: true }),
        schedule: schedule(6, { layers, keep: 0.62 }),
      },
      {
        name: 'received-attention, mass 0.8',
        method: receivedAttention(),
        schedule: schedule(6, { layers, mass: 0.8 }),
      },
    ],
    prepare: folder,
    calibration: some(await open('imdb', 'calibration.tsv'), REVIEWS),
    test,
    shifts: [
      { name: 'SST-2 (sentences)', dataset: await open('sst2', 'dev.tsv'), labelled: true },
      {
        name: 'AG news (topics)',
        dataset: await readTopics(shared('data', 'agnews', 'test.tsv'), OTHERS),
        labelled: false,
      },
      shift('typos', 3),
      shift('padding-around', 3),
    ],
  }
}

export async function openMails({ shared }: Context): Promise<GuardedModel> {
  const test = textDataset('mails', mailData('test'))
  const part = some(test, SHIFTED)
  const shift = shiftOf(part)
  return {
    name: 'mail',
    path: modelPath('mail'),
    settings: [
      {
        name: 'received-attention, keep 0.03',
        method: receivedAttention(),
        schedule: schedule(6, { layers: [0], keep: 0.03 }),
      },
      {
        name: 'received-attention, keep 0.1',
        method: receivedAttention(),
        schedule: schedule(6, { layers: [0], keep: 0.1 }),
      },
      {
        name: 'received-attention, mass 0.8',
        method: receivedAttention(),
        schedule: schedule(6, { layers: [0, 1], mass: 0.8 }),
      },
    ],
    prepare: { tokenizer: modelPath('mail', 'tokenizer'), maxTokens: embeddedModel('mail').maxTokens },
    calibration: textDataset('mails', mailData('calibration')),
    test,
    shifts: [
      shift('typos', 3),
      shift('padding-around', 3),
      {
        name: 'AG news (topics)',
        dataset: await readTopics(shared('data', 'agnews', 'test.tsv'), OTHERS),
        labelled: false,
      },
    ],
  }
}

const image = { channels: 1, height: 28, width: 28 }

export async function openDigits({ shared }: Context): Promise<GuardedModel> {
  const { normalisation } = embeddedModel('digits-vit')
  const test = imageDataset('digits', image, digitsData('test'))
  const shift = shiftOf(test)
  return {
    name: 'digits-vit',
    path: modelPath('digits-vit'),
    settings: [
      {
        name: 'received-attention, keep 0.55',
        method: receivedAttention(),
        schedule: schedule(6, { layers: [1], keep: 0.55 }),
      },
    ],
    prepare: { normalisation: normalisation && { mean: [normalisation.mean], std: [normalisation.std] } },
    calibration: imageDataset('digits', image, digitsData('calibration')),
    test,
    shifts: [
      { name: "MNIST's test set", dataset: some(await openDataset(shared('data', 'mnist')), OTHERS), labelled: true },
      shift('noise', 3),
      shift('blur', 5),
      shift('translate', 2),
      {
        name: 'clothing',
        dataset: some(await openDataset(shared('data', 'fashion')), OTHERS),
        labelled: false,
      },
    ],
  }
}

/** Makes shifted forms of a data set, by name and severity. */
function shiftOf(dataset: Dataset): (name: string, severity: number) => ShiftedData {
  return (name, severity) => ({
    name: `${name}:${severity}`,
    dataset: shifted(dataset, namedShift(dataset.modality, name, severity)),
    labelled: true,
  })
}

/** Evenly spaced, since some data come sorted. */
function some(dataset: Dataset, count: number): Dataset {
  const { examples } = dataset
  const step = Math.max(1, examples.length / count)
  const chosen = Array.from({ length: Math.min(count, examples.length) }, (_, i) => examples[Math.floor(i * step)])
  return { ...dataset, examples: chosen } as Dataset
}
