import { addChosenOn } from '@tp/compiler'
import type { AbortSignalLike, Runtime, Session } from '@tp/core/runtime'
import { joinMarks, type ModelInputs } from '@tp/data/inputs'
import { encodeModel, type Model } from '@tp/onnx'
import type { TrainingPart } from '../learn.ts'
import type { TrainSettings } from '../settings.ts'
import type { TrainProgress } from '../step.ts'
import type { Trains } from '../weights.ts'
import { type Overlap, requireApart } from './apart.ts'
import { DenseAnswers } from './dense-answers.ts'
import { logitLessons } from './lessons.ts'
import type { TrainingObserver } from './observer.ts'
import type { TrainingSize } from './stages.ts'
import { type TrainingStore, withoutStore } from './store.ts'
import type { TrainingData } from './training-data.ts'
import { vectorLessons } from './vector-lessons.ts'

/** A training by the answers of a dense model, from asking it to the measure of what was trained. */
export interface TrainingJob {
  /** The dense model. It is not changed. */
  readonly dense: Model
  /** A hash of its file: a training of another model is not resumed. */
  readonly source: string
  readonly runtime: Runtime
  /** How a model is loaded; default: from its bytes. For weights in data files. */
  load?(model: Model): Promise<Session>
  /** Examples to learn from, with or without labels. */
  readonly inputs: ModelInputs
  /** Other examples, by which the best weights are chosen. */
  readonly selection: ModelInputs
  /** How many of these are among `inputs`, by their contents; default: none. */
  readonly shared?: number
  /** `logits` of classes, a `score` by which examples are ranked, or a `vector`; default: logits. */
  readonly gives?: 'logits' | 'score' | 'vector'
  readonly settings?: Omit<TrainSettings, 'answer'>
  /** Which weights learn; default: all but tables of embeddings. */
  readonly trains?: Trains
  /** A last change to the trained model, such as weights in 8 bits; the result is measured, too. */
  finish?(model: Model): Model
  /** Further settings: a training with others is not resumed. */
  readonly about?: Readonly<Record<string, unknown>>
  /** Where the state is kept, for a training that may be interrupted. */
  readonly store?: TrainingStore
  /** Continues from what is stored, with the same numbers. */
  readonly resume?: boolean
  readonly observer?: TrainingObserver
  readonly signal?: AbortSignalLike
}

/** A trained model, and what is known of it. */
export interface TrainedJob {
  /** Pruned, trained and finished. */
  readonly model: Model
  /** All settings, the defaults among them. */
  readonly settings: TrainSettings & { readonly hardEpochs?: number; readonly targetFlops?: number }
  /** The step after which the weights were taken. */
  readonly step: number
  readonly steps: readonly (TrainProgress & { readonly part: TrainingPart })[]
  /** Percent right of the selection set; of vectors the cosine to the dense ones. */
  readonly selection: Accuracies
}

/** Quality on the selection set. */
export interface Accuracies {
  readonly dense: number
  /** Pruned, before the weights learned. */
  readonly before: number
  readonly after: number
  /** After the last change. */
  readonly finished?: number
}

/** The parts of a training that do not depend on how it prunes. */
export interface RunningJob {
  readonly lessons: TrainingData
  readonly observer: TrainingObserver
  readonly store: TrainingStore
  load(model: Model): Promise<Session>
}

/**
 * Asks the dense model, then trains; an aborted training stores what the dense model has answered.
 * @param workOf the work of all stages, once the number of examples is known
 */
export async function runJob<T>(
  job: TrainingJob,
  workOf: (size: Pick<TrainingSize, 'examples' | 'selection'>) => Parameters<Required<TrainingObserver>['expect']>[0],
  train: (running: RunningJob) => Promise<T>,
): Promise<T> {
  const { dense, source, inputs, selection, gives = 'logits', settings = {}, signal } = job
  const { store = withoutStore, resume = false, observer = {}, shared = 0 } = job
  const load = job.load ?? ((model: Model) => job.runtime.load(encodeModel(model), { threads: 1 }))
  const overlap: Overlap = {
    ...{ shared, count: selection.targets.length, selection: selection.source, learned: inputs.source },
  }
  const seen = requireApart(overlap)
  if (seen !== undefined) observer.onNote?.(seen)
  const answers = new DenseAnswers(store)
  const opening = {
    ...{ dense, source, inputs, selection, resume, answers, observer, load, signal, ranks: gives === 'score' },
    distillation: settings.distillation,
    expect: (size: Pick<TrainingSize, 'examples' | 'selection'>) => observer.expect?.(workOf(size)),
  }
  try {
    const lessons = await (gives === 'vector' ? vectorLessons : logitLessons)(opening)
    return await train({ lessons, observer, store, load })
  } catch (error) {
    if (signal?.aborted) await answers.save()
    throw error
  }
}

/** The last change to a trained model, which remembers its examples, and its quality after that. */
export async function finished(
  model: Model,
  { finish, inputs, selection }: Pick<TrainingJob, 'finish' | 'inputs' | 'selection'>,
  { lessons, observer }: RunningJob,
): Promise<{ readonly model: Model; readonly accuracies: Pick<Accuracies, 'finished'> }> {
  addChosenOn(model, await joinMarks([inputs, selection]))
  if (finish === undefined) return { model, accuracies: {} }
  const last = finish(model)
  observer.enter?.('finished')
  return { model: last, accuracies: { finished: await lessons.accuracy(last) } }
}
