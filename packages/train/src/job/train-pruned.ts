import { fingerprint } from '@tp/data/inputs'
import type { Model } from '@tp/onnx'
import { defaults } from '../settings.ts'
import { train } from '../train.ts'
import { finished, runJob, type TrainedJob, type TrainingJob } from './job.ts'
import { prunedWork } from './stages.ts'

/** A training of a model whose pruning is decided. */
export interface TrainPrunedOptions extends TrainingJob {
  /** The dense model with its tokens pruned, or some of its layers left out. */
  readonly pruned: Model
}

/**
 * The weights of a pruned model learn to answer as the dense one does, and as labels say.
 * @throws as `train`; TpError TP_DATA for examples that cannot be learned from, or are learned from and chosen by at once
 *
 * @example
 * const { model, selection } = await trainPruned({ dense, source, pruned, runtime, inputs, selection, settings: { epochs: 1 } })
 * console.log(selection.dense, selection.before, selection.after)
 */
export async function trainPruned(options: TrainPrunedOptions): Promise<TrainedJob> {
  const { settings = {}, pruned, about, trains, signal, runtime } = options
  const lengths = {
    epochs: settings.epochs ?? defaults.epochs,
    evaluations: settings.evaluations ?? defaults.evaluations,
  }
  const finishes = options.finish !== undefined
  return await runJob(
    options,
    (size) => prunedWork({ ...lengths, finishes, ...size }),
    async (running) => {
      const { lessons, observer, load, store } = running
      const { answer, inputs, selection, teacher, distillation, denseAccuracy, accuracy } = lessons
      observer.enter?.('pruned')
      const before = await accuracy(pruned)
      observer.enter?.('hard')
      const saved = options.resume ? await store.read('hard') : undefined
      const own = { ...settings, answer, distillation }
      const trained = await train({
        ...own,
        ...{ model: pruned, runtime, inputs, selection, teacher, load },
        ...(signal && { signal }),
        ...(trains && { trains }),
        ...(saved && { resume: saved }),
        about: { ...about, data: await fingerprint(inputs), selection: await fingerprint(selection) },
        onCheckpoint: (bytes) => store.write('hard', bytes),
        onProgress: (at) => observer.onStep?.(at, 'hard'),
        onWork: (at) => observer.onWork?.(at, 'hard'),
      })
      const { model, accuracies } = await finished(trained.model, options, running)
      const after = trained.accuracy ?? Number.NaN
      return {
        ...{ model, settings: { ...defaults, ...own }, step: trained.step },
        steps: trained.progress.map((at) => ({ ...at, part: 'hard' as const })),
        selection: { dense: denseAccuracy, before, after, ...accuracies },
      }
    },
  )
}
