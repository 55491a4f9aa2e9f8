import { TpError } from '@tp/core'
import { type AnswerForm, asLogits, type NamedTensors, sizeOf, type TensorLike, type ValueInfo } from '@tp/core/runtime'

/** How uncertain an answer is. See {@link uncertaintyOf}. */
export type Uncertainty = 'probability' | 'margin' | 'entropy'

export const uncertainties: readonly Uncertainty[] = ['probability', 'margin', 'entropy']

/**
 * How uncertain the answer of a row of logits is; higher is less certain. Not a number anywhere: infinitely.
 *
 *   probability   1 − the largest of softmax(logits)
 *   margin        minus the difference of the two largest logits
 *   entropy       of softmax(logits), in nats
 *
 * With two classes all three order inputs alike.
 */
export function uncertaintyOf(logits: ArrayLike<number>, kind: Uncertainty): number {
  const found = kind === 'margin' ? -marginOf(logits) : fromSoftmax(logits, kind)
  return Number.isNaN(found) ? Number.POSITIVE_INFINITY : found
}

/** Difference of the two largest logits of a row. */
export function marginOf(logits: ArrayLike<number>): number {
  let [first, second] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (let i = 0; i < logits.length; i++) {
    const value = logits[i] as number
    if (Number.isNaN(value)) return Number.NaN
    if (value > first) [first, second] = [value, first]
    else if (value > second) second = value
  }
  return first - second
}

/** Sums of all but the largest, so that the surest answers can still be told apart. */
function fromSoftmax(logits: ArrayLike<number>, kind: 'probability' | 'entropy'): number {
  const best = answerOf(logits)
  let [others, weighted] = [0, 0]
  for (let i = 0; i < logits.length; i++) {
    if (i === best) continue
    const below = (logits[i] as number) - (logits[best] as number)
    const share = Math.exp(below)
    others += share
    if (share > 0) weighted -= share * below
  }
  return kind === 'probability' ? others / (1 + others) : Math.log1p(others) + weighted / (1 + others)
}

/** The class with the largest logit; the first of equals. */
export function answerOf(logits: ArrayLike<number>): number {
  let best = 0
  for (let i = 1; i < logits.length; i++) if ((logits[i] as number) > (logits[best] as number)) best = i
  return best
}

/**
 * Name of the output that holds the logits: the one asked for, else `logits`, else the only float output of two axes.
 * @throws TpError TP_OUTPUT
 */
export function answerOutput(outputs: readonly ValueInfo[], name?: string): string {
  const ofRank = (rank: number): ValueInfo[] =>
    outputs.filter(({ name, type, dims }) => type === 'float32' && dims.length === rank && !isOwnOutput(name))
  const tables = ofRank(2)
  const fitting = tables.length > 0 ? tables : ofRank(1)
  const output = name ?? (outputs.some(({ name }) => name === 'logits') ? 'logits' : undefined)
  const [found, ...others] = output === undefined ? fitting : fitting.filter(({ name }) => name === output)
  if (found !== undefined && others.length === 0) return found.name
  const seen = outputs.map(({ name, type, dims }) => `${name} ${type}[${dims}]`).join(', ')
  const needed = `one float32 output [inputs, classes]${output === undefined ? '' : ` named ${output}`}`
  throw new TpError(
    'TP_OUTPUT',
    'guard',
    `${needed} is needed to tell how uncertain an answer is; the model returns ${seen}`,
  )
}

/** Outputs that pruning added; the dense model has none of them. */
export function isOwnOutput(name: string): boolean {
  return name.startsWith('tp.')
}

/**
 * The rows of an output [inputs, classes], or [inputs]. One logit z is that of class 1 against class 0, as a sigmoid reads it: its rows are 0 and z.
 * @throws TpError TP_OUTPUT
 */
export function logitRows(outputs: NamedTensors, name: string, form: AnswerForm = 'logits'): Float32Array[] {
  const { dims, data: numbers } = outputs[name] as TensorLike
  const [rows = 0, classes = dims.length] = dims
  if (!(numbers instanceof Float32Array) || dims.length > 2 || classes < 1 || numbers.length !== sizeOf(dims)) {
    const seen = `the output ${name} came as [${dims}]`
    throw new TpError('TP_OUTPUT', 'guard', `${seen}; logits [inputs, classes] are needed`)
  }
  const data = asLogits(numbers, form)
  if (classes === 1) return Array.from(data, (logit) => Float32Array.of(0, logit))
  return Array.from({ length: rows }, (_, row) => data.subarray(row * classes, (row + 1) * classes))
}
