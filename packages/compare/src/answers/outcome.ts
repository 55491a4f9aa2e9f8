import type { AnswerForm } from '@tp/core/runtime'
import type { Task } from '@tp/data/outputs'
import type { Figure, Interval } from '@tp/metrics'
import type { Run } from './run-examples.ts'

/**
 * The results of a model on a data set, for any task: numbers by example, in the data set's order, so that any two models
 * can be compared on the same examples.
 */
export interface Outcome<T extends Task = Task> extends Run {
  readonly task: T
  /** The figures that the model is judged by, by name; the first counts most. Empty where only a dense model is a measure. */
  readonly figures: Readonly<Record<string, Figure>>
  /** Whether an example came out right as a whole, for McNemar's test; absent where nothing is right or wrong. */
  readonly correct?: readonly boolean[]
}

/** The answers of a classifier to examples, labeled or not. Arrays are by example, in the data set's order. */
export interface Classification extends Outcome<'classification'> {
  readonly predictions: readonly number[]
  readonly classes: number
  /** [examples, classes] */
  readonly logits: Float32Array
  /** The form of the numbers that the model itself gives. */
  readonly answerForm: AnswerForm
}

/** The answers of a classifier to labeled examples, which are right or wrong. */
export interface Evaluation extends Classification {
  /** In percent, with its exact 95 % interval. */
  readonly accuracy: Interval
  readonly correct: readonly boolean[]
}
