import { TpError } from '@tp/core'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { type Pooling, pool } from '@tp/eval'

interface VectorOptions {
  readonly pooling: Pooling['of']
  /** To length 1. */
  readonly normalize: boolean
  /** The first so many numbers, of models whose vectors may be cut (Matryoshka). */
  readonly dimensions?: number | undefined
}

/**
 * The vector of one text from its output [D], or pooled from [tokens, D] without padding.
 * @throws TpError TP_REQUEST for more dimensions than there are; TP_OUTPUT for a vector that is not finite
 */
export function vectorOf(output: TensorLike, { pooling, normalize, dimensions }: VectorOptions): Float32Array {
  const whole =
    output.dims.length === 2 ? Float32Array.from(pool(tokensOf(output), pooling)) : (output.data as Float32Array)
  if (dimensions !== undefined && dimensions > whole.length) {
    throw new TpError(
      'TP_REQUEST',
      'server',
      `dimensions is ${dimensions}, and the model's vectors have ${whole.length}`,
    )
  }
  const vector = dimensions === undefined ? whole : whole.subarray(0, dimensions)
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0))
  if (!Number.isFinite(length)) throw new TpError('TP_OUTPUT', 'server', `the model's vector has length ${length}`)
  return normalize && length > 0 ? vector.map((value) => value / length) : vector
}

function tokensOf({ dims: [tokens = 0, width = 0], data }: TensorLike): Float32Array[] {
  return Array.from({ length: tokens }, (_, i) => (data as Float32Array).subarray(i * width, (i + 1) * width))
}

/** The logits of one example: `logits`, or the only float output [classes]. @throws TpError TP_OUTPUT */
export function logitsOf(outputs: NamedTensors): Float32Array {
  const own = Object.entries(outputs).filter(
    ([name, { type, dims }]) => !name.startsWith('tp.') && type === 'float32' && dims.length === 1,
  )
  const [only] = own
  const logits = own.find(([name]) => name === 'logits') ?? (own.length === 1 ? only : undefined)
  if (logits === undefined)
    throw new TpError('TP_OUTPUT', 'server', 'the model has no output of one number for each class')
  if (logits[1].data.length === 0) throw new TpError('TP_OUTPUT', 'server', 'the model has no classes')
  return logits[1].data as Float32Array
}

/** Softmax; of one logit its sigmoid. */
export function probabilities(logits: Float32Array): number[] {
  if (logits.length === 1) return [1 / (1 + Math.exp(-(logits[0] as number)))]
  const largest = logits.reduce((most, logit) => Math.max(most, logit), Number.NEGATIVE_INFINITY)
  const weights = Array.from(logits, (logit) => Math.exp(logit - largest))
  const sum = weights.reduce((total, weight) => total + weight, 0)
  return weights.map((weight) => weight / sum)
}
