import { type Embeddings, embed } from '@tp/compare'
import { TpError } from '@tp/core'
import { statesOutput } from '@tp/data/outputs'
import { askDense } from './ask-dense.ts'
import { accuracyOf, openAnswers } from './lessons.ts'
import { type LessonOptions, runOptions, type TrainingData } from './training-data.ts'

/**
 * The dense model's vectors of texts without labels: all of the loss, and of the quality of another model.
 * @throws TpError TP_OPTION, TP_RESUME
 */
export async function vectorLessons(options: LessonOptions): Promise<TrainingData> {
  const { dense: model, inputs, selection: chosen, answers, observer, load } = options
  if (options.distillation !== undefined && options.distillation < 1) {
    const seen = `distillation is ${options.distillation}: the model gives vectors, which are learned from the dense model alone`
    throw new TpError('TP_OPTION', 'train', `${seen}; omit it`)
  }
  const { pooling = 'mean' } = inputs
  if (pooling !== 'mean' && statesOutput(model) !== undefined) {
    const seen = `the pooling of the model reads the ${pooling} of its states`
    const advice =
      'of rows for all tokens the mean alone is learned; export the model with its pooling inside (sentence_embedding)'
    throw new TpError('TP_OPTION', 'train', `${seen}; ${advice}`)
  }
  const running = runOptions(options)
  options.expect({ examples: inputs.targets.length, selection: chosen.targets.length })
  await openAnswers(options)
  await using dense = await load(model)
  observer.enter?.('teacher')
  const teacher = await askDense(
    inputs,
    async (texts, onProgress) => {
      const { vectors } = await embed(dense, texts, { ...running, onProgress })
      return joined(vectors, Float32Array)
    },
    { answers, onProgress: running.onProgress },
  )
  observer.enter?.('selection')
  const chosenVectors = async (): Promise<Float64Array> =>
    joined((await embed(dense, chosen, running)).vectors, Float64Array)
  const all = await answers.of('vectors of the selection', chosenVectors)
  const selection = { ...chosen, vectors: divided(all, chosen.targets.length) }
  return {
    ...{ answer: 'embedding', distillation: 1, denseAccuracy: 100, inputs, selection, teacher },
    accuracy: (model) => accuracyOf(model, selection, options),
  }
}

/** Vectors of one length, one after another. */
function joined<T extends Float32Array | Float64Array>(
  vectors: Embeddings['vectors'],
  Numbers: new (length: number) => T,
): T {
  const all = new Numbers(vectors.length * (vectors[0]?.length ?? 0))
  for (const [row, vector] of vectors.entries()) all.set(vector, row * vector.length)
  return all
}

function divided(all: Float64Array, count: number): Float64Array[] {
  const length = all.length / count
  return Array.from({ length: count }, (_, row) => all.subarray(row * length, (row + 1) * length))
}
