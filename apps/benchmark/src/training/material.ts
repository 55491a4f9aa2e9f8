import { evaluate } from '@tp/compare'
import { divide, type ModelInputs, someExamples } from '@tp/data/inputs'
import { saliencyOf } from '@tp/train'
import { type MeasuredSubject, openOn, openSubject } from '../measure/subject.ts'
import { sentiment } from '../registry/data.ts'
import { subjects } from '../registry/subjects.ts'
import type { SectionContext } from '../report/section.ts'

/** The examples to learn from, and those to choose settings by. */
export interface Material extends Pick<MeasuredSubject, 'model' | 'file' | 'layers'> {
  readonly training: ModelInputs
  readonly selection: ModelInputs
}

/** Of ten examples, one is to choose by. */
const TURNS = ['selection', ...Array<'training'>(9).fill('training')] as const

function materialOf({ model, file, layers }: MeasuredSubject, inputs: ModelInputs): Material {
  const { training, selection } = divide(inputs, TURNS)
  return {
    model,
    file,
    layers,
    training: someExamples(inputs, training),
    selection: someExamples(inputs, selection),
  }
}

/** A model to learn with, and the data that it is reported on. */
export interface Learnable {
  readonly test: MeasuredSubject
  readonly material: Material
}

/**
 * Most of SST-2's training texts are parts of sentences, 13 tokens long on average, where those of its dev set are whole
 * sentences of 25: only texts of at least this length are learned from, 24 tokens on average.
 */
const LEAST_TOKENS = 15

export async function openSst2(context: SectionContext): Promise<Learnable> {
  const test = await openSubject(context, subjects['minilm-sst2'], 'test')
  const { inputs } = await openOn(context, subjects['minilm-sst2'], await sentiment(context, 'sst2/train.tsv'))
  const long = (inputs.lengths as readonly number[]).flatMap((length, i) => (length >= LEAST_TOKENS ? [i] : []))
  return { test, material: materialOf(test, someExamples(inputs, long)) }
}

/** Reviews are ten times as long as sentences, and there are few. */
export async function openImdb(context: SectionContext, reported: number): Promise<Learnable> {
  const { inputs } = await openSubject(context, subjects['minilm-imdb'], 'calibration')
  const test = await openSubject(context, subjects['minilm-imdb'], 'test', reported)
  return { test, material: materialOf(test, inputs) }
}

/** The half of the images that settings are chosen on is learned from, the other one is reported. */
export async function openFashion(context: SectionContext): Promise<Learnable> {
  const { inputs } = await openSubject(context, subjects['fashion-vit'], 'calibration')
  const test = await openSubject(context, subjects['fashion-vit'], 'test')
  return { test, material: materialOf(test, inputs) }
}

/** Asked for once, however many trainings of one process need it. */
function once<M extends Pick<Material, 'training'>, T>(ask: (context: SectionContext, material: M) => Promise<T>) {
  const known = new WeakMap<ModelInputs, Promise<T>>()
  return (context: SectionContext, material: M): Promise<T> => {
    const trained = known.get(material.training) ?? ask(context, material)
    known.set(material.training, trained)
    return trained
  }
}

/** The answers of the dense model to the training examples, [examples, classes]. */
export const teacherOf: (
  context: SectionContext,
  material: Pick<Material, 'file' | 'training'>,
) => Promise<Float32Array> = once(async ({ runtime, onProgress }, { file, training }) => {
  onProgress('answers of the dense model')
  await using dense = await runtime.load(file, { threads: 1 })
  return (await evaluate(dense, training, { batchSize: 32 })).logits
})

/** How much each of their tokens counts for the dense model. */
export const saliencies: (
  context: SectionContext,
  material: Pick<Material, 'model' | 'training'>,
) => ReturnType<typeof saliencyOf> = once(
  async ({ runtime, onProgress }, { model, training }: Pick<Material, 'model' | 'training'>) => {
    onProgress('saliency')
    return await saliencyOf({ model, runtime, inputs: training, batchSize: 32 })
  },
)
