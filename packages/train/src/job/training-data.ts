import type { AbortSignalLike, Session } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/data/inputs'
import type { Model } from '@tp/onnx'
import type { AnswerKind } from '../training-graph.ts'
import type { WorkDone } from '../training-work.ts'
import type { DenseAnswers } from './dense-answers.ts'
import type { TrainingObserver } from './observer.ts'
import type { TrainingSize } from './stages.ts'

/** Examples that are run at once where nothing is learned. */
const BATCH = 8

/** Tokens that are run at once, so that long texts are run by ones and twos and a signal is heard in time. */
const BATCH_TOKENS = 1024

interface RunOptions {
  readonly batchSize: number
  readonly batchTokens: number
  readonly signal?: AbortSignalLike
  onProgress(at: WorkDone): void
}

/** How the dense model and others run on examples, outside of training. */
export function runOptions({ observer, signal }: Pick<LessonOptions, 'observer' | 'signal'>): RunOptions {
  const onProgress = ({ done, total }: WorkDone): void => observer.advance?.(done, total)
  return { batchSize: BATCH, batchTokens: BATCH_TOKENS, onProgress, ...(signal && { signal }) }
}

/** Options of lessons. */
export interface LessonOptions {
  readonly dense: Model
  /** A hash of the dense model's file: stored answers are of this model. */
  readonly source: string
  /** The model returns one score, and examples are ranked by it. */
  readonly ranks: boolean
  readonly inputs: ModelInputs
  readonly selection: ModelInputs
  /** Share of the dense model's answers in the loss; default: half, or all of it without labels. */
  readonly distillation: number | undefined
  readonly resume: boolean
  readonly answers: DenseAnswers
  readonly observer: TrainingObserver
  readonly signal: AbortSignalLike | undefined
  load(model: Model): Promise<Session>
  /** Called when the number of examples is known. */
  expect(size: Pick<TrainingSize, 'examples' | 'selection'>): void
}

/** Examples with the dense model's answers, and a measure of a model's quality. */
export interface TrainingData {
  readonly inputs: ModelInputs
  readonly selection: ModelInputs
  readonly answer: AnswerKind
  /** Logits or vectors of the dense model for all examples. */
  readonly teacher: Float32Array
  /** Share of the dense model's answers in the loss: all of it where examples have no labels. */
  readonly distillation: number
  /** Quality of the dense model on the selection set, see `accuracy`. */
  readonly denseAccuracy: number
  /**
   * Percent of the selection set that a model has right; of a ranking the nDCG@10, by the dense model's scores where nobody has
   * judged; of vectors the cosine to the dense ones.
   */
  accuracy(model: Model): Promise<number>
}
