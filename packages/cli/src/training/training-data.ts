import type { Session } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/data/inputs'
import type { Model } from '@tp/onnx'
import type { Answer } from '@tp/train'
import type { DenseAnswers } from './dense-answers.ts'
import type { TrainingJob, TrainingSize } from './training-job.ts'

/** How many examples are run at once where nothing is learned. */
export const BATCH = 8

/** Tokens that are run at once, so that long texts are run by ones and twos and do not keep anyone waiting. */
export const BATCH_TOKENS = 1024

/** The job that data are opened for, which is to be expected when it is known how many there are. */
export interface ExpectedJob {
  readonly job: TrainingJob
  /** What the dense model has answered before. */
  readonly answers: DenseAnswers
  expect(size: Pick<TrainingSize, 'examples' | 'selection'>): void
}

/** What is learned from, and how models answer. */
export interface TrainingData {
  readonly inputs: ModelInputs
  readonly selection: ModelInputs
  /** What the model answers examples with. */
  readonly answer: Answer
  /** Logits or vectors of the dense model for all examples. */
  readonly teacher: Float32Array
  /** The part of the dense model's answers in the loss: all of it where examples have no labels. */
  readonly distillation: number
  /** How good the dense model is on the selection set, see `accuracy`. */
  readonly dense: number
  load(model: Model): Promise<Session>
  /**
   * Percent of the selection set that a model has right; of a ranking the nDCG@10, by the dense model's scores where nobody has
   * judged; of vectors the cosine to the dense ones.
   */
  accuracy(model: Model): Promise<number>
}
