import { TpError } from '@tp/core'
import { type AnswerForm, asLogits, type NamedTensors, type TensorLike } from '@tp/core/runtime'
import { type Logits, largest, ownOutputs } from '@tp/metrics'
import type { ModelBatch } from './vectors.ts'

/** The answers for the tokens of a batch. */
export interface TokenClasses {
  readonly classes: number
  /** The class of each token, by example; −1 where a logit is not a number. */
  readonly tags: readonly Int32Array[]
  /** [classes] of a token; a view of the output. */
  logitsAt(row: number, token: number): Float32Array
}

/** The classes of tokens by a model's output. @throws TpError TP_OUTPUT */
export function tagsOf({ outputs, feeds, rows }: ModelBatch): TokenClasses {
  const { data, dims } = tokenLogits(outputs, feeds, rows)
  const [, tokens, classes] = dims as [number, number, number]
  const logitsAt = (row: number, token: number): Float32Array => {
    const start = (row * tokens + token) * classes
    return (data as Float32Array).subarray(start, start + classes)
  }
  const tags = Array.from({ length: rows }, (_, row) =>
    Int32Array.from({ length: tokens }, (_, token) => largest(logitsAt(row, token))),
  )
  return { classes, tags, logitsAt }
}

/**
 * Which labels of a multi-label model hold, as tags of two classes: 0 for no, 1 for yes, where its probability is above one half.
 * @param numbers of the labels, [examples, labels]
 * @param form of the numbers of all examples
 */
export function labelsOf({ classes: labels, data: numbers }: Logits, form: AnswerForm): TokenClasses {
  const data = asLogits(numbers, form)
  const logitsAt = (row: number, label: number): Float32Array =>
    Float32Array.of(0, data[row * labels + label] as number)
  const tags = Array.from({ length: data.length / labels }, (_, row) =>
    Int32Array.from({ length: labels }, (_, label) => largest(logitsAt(row, label))),
  )
  return { classes: 2, tags, logitsAt }
}

/** The form that the numbers of labels seem to have, where the model's graph does not say it: probabilities if none is below 0 or above 1. */
export function formOfLabels(numbers: Float32Array): AnswerForm {
  return numbers.every((value) => value >= 0 && value <= 1) ? 'sigmoid' : 'logits'
}

/** float32 [batch, tokens, classes]: `logits` if it exists, else the only output of that form. */
function tokenLogits(outputs: NamedTensors, feeds: NamedTensors, rows: number): TensorLike {
  const tokens = Object.values(feeds)[0]?.dims[1]
  const isTokenOutput = ({ type, dims }: TensorLike): boolean =>
    type === 'float32' && dims.length === 3 && dims[0] === rows && dims[1] === tokens
  const [output, ...others] = ownOutputs(outputs, 'logits').filter(isTokenOutput)
  if (output !== undefined && others.length === 0) return output
  const seen = Object.entries(outputs).map(([name, { type, dims }]) => `${name} ${type}[${dims}]`)
  const required = `one float32 output [${rows}, ${tokens}, classes], a row for every token,`
  const advice = 'a pruned model has one where removed tokens come back (restore)'
  throw new TpError('TP_OUTPUT', 'data', `${required} is needed for tags; the model gave ${seen.join(', ')}; ${advice}`)
}
