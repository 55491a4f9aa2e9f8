import { TpError } from '@tp/core'
import { fromHalves } from '@tp/core/expression'
import { type AnswerForm, asLogits, type NamedTensors, type TensorLike } from '@tp/core/runtime'

/** Logits of one batch, [examples, classes]. */
export interface Logits {
  readonly classes: number
  readonly data: Float32Array
}

/**
 * The logits in the output with one row of numbers, or one number, per example: `logits` if it exists, else the only float output of that form. One logit z
 * is that of class 1 against class 0, as a sigmoid reads it, so its rows are 0 and z. A softmax of logits that are made of probabilities
 * is what the model gives.
 * @param form of the numbers; default: by {@link formOf} these examples
 * @throws TpError TP_OUTPUT
 */
export function logitsOf(outputs: NamedTensors, rows: number, form?: AnswerForm): Logits {
  return classLogits(answersIn(outputs, rows), form)
}

/** The same of numbers that {@link answersIn} has found, best of all examples together. */
export function classLogits(answers: Logits, form?: AnswerForm): Logits {
  const { classes } = answers
  const data = asLogits(answers.data, form ?? formOf(answers))
  if (classes !== 1) return { classes, data }
  return {
    classes: 2,
    data: Float32Array.from({ length: 2 * data.length }, (_, i) => (i % 2 === 0 ? 0 : (data[i >> 1] as number))),
  }
}

/** The probability that a logit stands for. */
export function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit))
}

/** How far the sum of probabilities may be from 1: half precision rounds each by 2⁻¹¹ of itself. */
const SUM_TOLERANCE = 1e-3

/** Fewer single numbers between 0 and 1 may as well be logits. */
const FEWEST_PROBABILITIES = 16

/**
 * The form that the numbers of all examples seem to have, where the model's graph does not say it: probabilities of classes if each row adds up to 1, or
 * of class 1 if there is one number an example, which is never below 0 or above 1.
 */
export function formOf({ classes, data }: Logits): AnswerForm {
  if (!data.every((value) => value >= 0 && value <= 1 + SUM_TOLERANCE)) return 'logits'
  if (classes === 1) return data.length >= FEWEST_PROBABILITIES ? 'sigmoid' : 'logits'
  const isWhole = (row: Float32Array): boolean =>
    Math.abs(row.reduce((sum, value) => sum + value, 0) - 1) < SUM_TOLERANCE
  return logitRowsOf({ logits: data, classes }).every(isWhole) ? 'softmax' : 'logits'
}

/**
 * The one logit of each example.
 * @throws TpError TP_OUTPUT for a model that gives more of them
 */
export function scoresOf(outputs: NamedTensors, rows: number, form: AnswerForm = 'logits'): Float32Array {
  const { classes, data } = answersIn(outputs, rows)
  if (classes === 1) return asLogits(data, form)
  throw new TpError('TP_OUTPUT', 'metrics', `a ranking needs one logit an example; the model gave ${classes}`)
}

/**
 * The numbers in the output that {@link logitsOf} reads, as they are.
 * @throws TpError TP_OUTPUT
 */
export function answersIn(outputs: NamedTensors, rows: number): Logits {
  const ofRows = (rank: number): TensorLike[] =>
    ownOutputs(outputs, 'logits').filter(
      ({ type, dims }) => (type === 'float32' || type === 'float16') && dims.length === rank && dims[0] === rows,
    )
  const [tables, columns] = [ofRows(2), ofRows(1)]
  const fitting = tables.length > 0 ? tables : columns
  const [output] = fitting
  if (output === undefined || fitting.length > 1) {
    const seen = Object.entries(outputs).map(([name, { type, dims }]) => `${name} ${type}[${dims}]`)
    const required = `one float32 output [${rows}, classes]`
    const advice = 'keep that one alone (--set outputs=NAME), or compare answers of this kind by a program of your own'
    throw new TpError(
      'TP_OUTPUT',
      'metrics',
      `${required} is needed for classes; the model gave ${seen.join(', ')}; ${advice}`,
    )
  }
  return { classes: output.dims[1] ?? 1, data: floatsOf(output) }
}

/** Runtimes give half precision as numbers where the platform has such arrays, else as bits. */
function floatsOf({ type, data }: TensorLike): Float32Array {
  if (type === 'float32') return data as Float32Array
  return data instanceof Uint16Array ? fromHalves(data) : Float32Array.from(data as ArrayLike<number>)
}

/** Logits of all examples of a data set. */
export interface AllLogits {
  /** [examples, classes] */
  readonly logits: Float32Array
  readonly classes: number
}

/** Logits of all examples, [examples, classes], row by row. */
export function logitRowsOf({ logits, classes }: AllLogits): Float32Array[] {
  return Array.from({ length: logits.length / classes }, (_, i) => logits.subarray(i * classes, (i + 1) * classes))
}

/** Softmax. */
export function probabilities(logits: Float32Array): Float64Array {
  const most = logits.reduce((best, logit) => Math.max(best, logit), Number.NEGATIVE_INFINITY)
  const weights = Float64Array.from(logits, (logit) => Math.exp(logit - most))
  const sum = weights.reduce((total, weight) => total + weight, 0)
  return weights.map((weight) => weight / sum)
}

/** Position of the largest number of a row; the first of equals. −1 if any is NaN. */
export function largest(row: ArrayLike<number>): number {
  let best = 0
  for (let i = 0; i < row.length; i++) {
    if (Number.isNaN(row[i])) return -1
    if ((row[i] as number) > (row[best] as number)) best = i
  }
  return best
}

/** The output of that name if it exists, else all outputs of the model itself, without those that pruning adds. */
export function ownOutputs<T>(outputs: Readonly<Record<string, T>>, name: string): T[] {
  const named = outputs[name]
  if (named !== undefined) return [named]
  return Object.entries(outputs).flatMap(([other, tensor]) => (other.startsWith('tp.') ? [] : [tensor]))
}
