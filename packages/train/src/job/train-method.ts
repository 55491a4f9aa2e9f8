import { type Learned, type Method, TpError } from '@tp/core'
import { fingerprint } from '@tp/data/inputs'
import { type LearnedPruning, type LearnOptions, learnPruning } from '../learn.ts'
import { defaults } from '../settings.ts'
import { weightsOf } from '../weights.ts'
import { finished, runJob, type TrainedJob, type TrainingJob } from './job.ts'
import { methodWork } from './stages.ts'

/** A training of a method that learns where to prune. */
export interface TrainMethodOptions
  extends TrainingJob,
    Pick<LearnOptions, 'soft' | 'schedule' | 'pruning' | 'hardEpochs'> {}

export interface TrainedMethod extends TrainedJob, Pick<LearnedPruning, 'schedule' | 'flops'> {
  /** By layer. */
  readonly learned: ReadonlyMap<number, Learned>
}

/**
 * A method learns where to prune, together with the dense model or alone: `learnPruning`, by the dense model's answers.
 * @throws as `learnPruning`; TpError TP_DATA for examples that cannot be learned from, or are learned from and chosen by at once
 *
 * @example
 * const soft = { method: ltp(), layers: layersToLearn(ltp(), 6), targetFlops: 0.5 }
 * const { model, schedule, learned } = await trainMethod({ dense, source, soft, runtime, inputs, selection })
 */
export async function trainMethod(options: TrainMethodOptions): Promise<TrainedMethod> {
  const { settings = {}, soft, schedule, pruning, about, trains, runtime, signal } = options
  const { epochs = defaults.epochs, evaluations = defaults.evaluations } = settings
  const hardEpochs = options.hardEpochs ?? epochs
  const learnsAlone = trains !== undefined && weightsOf(options.dense, trains).size === 0
  const looksAtTokens = soft.method.training?.saliencyAt !== undefined
  const lengths = {
    ...{ epochs, evaluations, finishes: options.finish !== undefined, aims: soft.targetFlops !== undefined },
    ...{ hardEpochs: learnsAlone ? 0 : hardEpochs, looksAtTokens, learnsAlone: learnsAlone && looksAtTokens },
  }
  return await runJob(
    options,
    (size) => methodWork({ ...lengths, ...size }),
    async (running) => {
      const { lessons, observer, load, store } = running
      const { answer, inputs, selection, teacher, distillation, denseAccuracy, accuracy } = lessons
      observer.enter?.('soft')
      const own = { ...settings, answer, distillation }
      const result = await learnPruning({
        ...own,
        ...{ model: options.dense, soft, runtime, inputs, selection, teacher, load },
        ...(options.hardEpochs !== undefined && { hardEpochs }),
        ...(schedule && { schedule }),
        ...(pruning && { pruning }),
        ...(trains && { trains }),
        ...(signal && { signal }),
        resume: options.resume ? await stored(store) : {},
        about: {
          ...about,
          schedule: schedule && [...schedule],
          ...{ data: await fingerprint(inputs), selection: await fingerprint(selection) },
        },
        onProgress: (at, part) => observer.onStep?.(at, part),
        onWork: (at, part) => observer.onWork?.(at, part),
        async onCheckpoint(bytes, part) {
          // One of the hard part would be that of an earlier training.
          if (part === 'soft') await store.remove('hard')
          await store.write(part, bytes)
          observer.onSaved?.()
        },
      })
      observer.enter?.('end')
      const before = await accuracy(result.before)
      const after = result.hard === undefined ? before : await accuracy(result.model)
      const { model, accuracies } = await finished(result.model, options, running)
      const { soft: first, hard } = result
      return {
        ...{ model, schedule: result.schedule, learned: result.learned, flops: result.flops },
        settings: {
          ...{ ...defaults, hardEpochs, ...own },
          ...(soft.targetFlops !== undefined && { targetFlops: soft.targetFlops }),
        },
        step: (hard ?? first).step,
        steps: [
          ...first.progress.map((at) => ({ ...at, part: 'soft' as const })),
          ...(hard?.progress ?? []).map((at) => ({ ...at, part: 'hard' as const })),
        ],
        selection: { dense: denseAccuracy, before, after, ...accuracies },
      }
    },
  )
}

async function stored(store: NonNullable<TrainingJob['store']>): Promise<NonNullable<LearnOptions['resume']>> {
  const [soft, hard] = [await store.read('soft'), await store.read('hard')]
  return { ...(soft && { soft }), ...(hard && { hard }) }
}

/**
 * Layers at which a method learns to prune.
 * @param chosen default: all at which pruning saves something, since most models need one token after the attention of the last layer
 * @throws TpError TP_SCHEDULE for a layer that the model does not have, and where there is none
 */
export function layersToLearn(
  { site = 'attention' }: Pick<Method, 'site'>,
  layerCount: number,
  chosen?: readonly number[],
): readonly number[] {
  const first = site === 'attention' ? 0 : 1
  const layers = chosen ?? Array.from({ length: layerCount - 1 }, (_, i) => first + i)
  const unknown = layers.find((layer) => !(Number.isInteger(layer) && layer >= 0 && layer < layerCount))
  if (unknown === undefined && layers.length > 0) return layers
  const seen = unknown === undefined ? 'there is no layer to prune' : `layer ${unknown} does not exist`
  const advice = `the model has layers 0 to ${layerCount - 1}; name some of them`
  throw new TpError('TP_SCHEDULE', 'train', `${seen}: ${advice}`)
}
