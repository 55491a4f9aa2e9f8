import { openDataset, type PrepareOptions } from '@tp/eval'
import type { Dataset } from '@tp/eval/inputs'
import { modelPath } from '@tp/models'
import { readOnce } from '../measure/read-once.ts'
import { openSubject, type Subject } from '../measure/subject.ts'
import type { Context } from '../report/section.ts'

/** An encoder of images or sounds, with its data. */
export interface Encoder {
  readonly name: string
  readonly title: string
  readonly model: (context: Context) => string
  readonly data: (context: Context) => Promise<Dataset>
  readonly prepare: PrepareOptions
  /** The data's first half is for choosing, of which so many examples are used; absent: nothing is chosen. */
  readonly calibration?: number
  /** So many of the others are what is reported; absent: all there are. */
  readonly test?: number
  /** Layers that tokens leave little by little: not the first, where they may leave at once, nor the last, where no one looks. */
  readonly gradual: readonly number[]
  /** How much slower dense is than what is asked for, and how many points that may cost. */
  readonly target?: { readonly speedup: number; readonly loss: number }
}

const KEYWORDS = ['_silence_', '_unknown_', 'yes', 'no', 'up', 'down', 'left', 'right', 'on', 'off', 'stop', 'go']
const digits = { mean: [0.1307], std: [0.3081] }

export const encoders: readonly Encoder[] = [
  {
    name: 'fashion-vit',
    title: 'fashion-vit: images of clothing, 197 tokens',
    model: ({ shared }) => shared('models', 'fashion-vit', 'model.onnx'),
    data: ({ shared }) => openDataset(shared('data', 'fashion')),
    prepare: { normalisation: { mean: [0.286], std: [0.353] } },
    calibration: 1500,
    gradual: [1, 2, 3, 4],
    target: { speedup: 1.4, loss: 1 },
  },
  {
    name: 'digits-vit',
    title: 'digits-vit: handwritten digits, 197 tokens, on data/mnist',
    model: () => modelPath('digits-vit'),
    data: ({ shared }) => openDataset(shared('data', 'mnist')),
    prepare: { normalisation: digits },
    calibration: 1500,
    test: 2000,
    gradual: [1, 2, 3, 4],
    target: { speedup: 1.5, loss: 0.5 },
  },
  {
    name: 'vit-mnist',
    title: 'vit-mnist: handwritten digits, 50 tokens',
    model: ({ shared }) => shared('models', 'vit-mnist', 'model.onnx'),
    data: ({ shared }) => openDataset(shared('data', 'mnist')),
    prepare: { normalisation: digits },
    test: 2000,
    gradual: [1, 2, 3, 4],
  },
  {
    name: 'kwt1',
    title: 'kwt1: spoken words, 99 tokens',
    model: ({ shared }) => shared('models', 'kwt1', 'model.onnx'),
    data: ({ shared }) => openDataset(shared('data', 'keywords'), { labels: KEYWORDS }),
    prepare: { sampleRate: 16_000 },
    gradual: [2, 4, 6, 8],
  },
]

/** The examples that settings are chosen on, or those that they are reported on. */
export async function openEncoder(
  context: Context,
  { name, model, data, prepare, calibration, test = Number.POSITIVE_INFINITY }: Encoder,
  split: 'calibration' | 'test',
): Promise<Subject> {
  const dataset = await data(context)
  const { examples } = dataset
  const half = calibration === undefined ? 0 : examples.length / 2
  const chosen = split === 'test' ? examples.slice(half, half + test) : examples.slice(0, calibration)
  const subject = await openSubject(context.runtime, {
    name,
    path: model(context),
    dataset: { ...dataset, examples: chosen } as Dataset,
    prepare,
  })
  return { ...subject, inputs: readOnce(subject.inputs) }
}
