import { TpError } from '@tp/core'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { embeddingOutput, type Pooling, pool } from '@tp/eval'
import { maskOf } from '@tp/eval/inputs'
import { largest } from '@tp/eval/metrics'

/** What a batch was given and has computed. */
export interface RanBatch {
  readonly feeds: NamedTensors
  readonly outputs: NamedTensors
  /** Examples in it. */
  readonly rows: number
}

/** Class and its probability, by example. One logit is that of class 1 against class 0. @throws TpError TP_OUTPUT */
export function classesOf(batch: RanBatch): { readonly label: number; readonly score: number }[] {
  return logitRows(batch).map((logits) => {
    const row = logits.length === 1 ? Float32Array.of(0, logits[0] as number) : logits
    const label = largest(row)
    if (label < 0) throw new TpError('TP_OUTPUT', 'bulk', 'the model gave a logit that is not a number')
    const sum = row.reduce((total, logit) => total + Math.exp(logit - (row[label] as number)), 0)
    return { label, score: 1 / sum }
  })
}

/** The one logit of each example. @throws TpError TP_OUTPUT */
export function scoresOf(batch: RanBatch): number[] {
  return logitRows(batch).map((row) => row[0] as number)
}

/** Class of each token, by example. @throws TpError TP_OUTPUT */
export function tagsOf(batch: RanBatch): Int32Array[] {
  const tokens = Object.values(batch.feeds)[0]?.dims[1]
  const { data, dims } = only(
    batch,
    (output) => output.dims.length === 3 && output.dims[1] === tokens,
    'tokens, classes',
  )
  const [, length = 0, classes = 0] = dims
  const logits = data as Float32Array
  return Array.from({ length: batch.rows }, (_, row) =>
    Int32Array.from({ length }, (_, token) => {
      const start = (row * length + token) * classes
      return largest(logits.subarray(start, start + classes))
    }),
  )
}

/** A vector for each example: the model's own, or pooled from those of the tokens. @throws TpError TP_OUTPUT */
export function vectorsOf(batch: RanBatch, pooling: Pooling): Float32Array[] {
  const { rows, outputs, feeds } = batch
  const output = embeddingOutput(Object.fromEntries(Object.entries(outputs).filter(([, { dims }]) => dims[0] === rows)))
  if (output === undefined) throw unusable(batch, 'D] or [tokens, D')
  const width = output.dims.at(-1) as number
  const values = output.data as Float32Array
  const masks = [outputs['tp.mask'], maskOf(feeds)]
  const tokens = output.dims.length === 3 ? (output.dims[1] as number) : 1
  const mask = masks.find((each) => each?.dims[1] === tokens)?.data
  return Array.from({ length: rows }, (_, row) => {
    const token = (i: number): Float32Array =>
      values.subarray((row * tokens + i) * width, (row * tokens + i + 1) * width)
    if (output.dims.length === 2) return ofLength(token(0).slice(), pooling)
    const real = Array.from({ length: tokens }, (_, i) => i).filter(
      (i) => mask === undefined || Number(mask[row * tokens + i]) !== 0,
    )
    return ofLength(Float32Array.from(pool(real.map(token), pooling.of)), pooling)
  })
}

function ofLength(vector: Float32Array, { isNormalised }: Pooling): Float32Array {
  let square = 0
  for (const value of vector) square += value * value
  if (!Number.isFinite(square))
    throw new TpError('TP_OUTPUT', 'bulk', 'the model gave a vector with numbers that are none')
  return isNormalised && square > 0 ? vector.map((value) => value / Math.sqrt(square)) : vector
}

function logitRows(batch: RanBatch): Float32Array[] {
  const { data, dims } = only(batch, (output) => output.dims.length === 2, 'classes')
  const classes = dims[1] as number
  return Array.from({ length: batch.rows }, (_, row) =>
    (data as Float32Array).subarray(row * classes, (row + 1) * classes),
  )
}

/** `logits` if it exists, else the only output of that form. */
function only(batch: RanBatch, fits: (output: TensorLike) => boolean, form: string): TensorLike {
  const own = Object.entries(batch.outputs).filter(([name]) => !name.startsWith('tp.'))
  const named = own.filter(([name]) => name === 'logits')
  const fitting = (named.length > 0 ? named : own).filter(
    ([, output]) => output.type === 'float32' && output.dims[0] === batch.rows && fits(output),
  )
  const [found] = fitting
  if (found !== undefined && fitting.length === 1) return found[1]
  throw unusable(batch, form)
}

function unusable({ outputs, rows }: RanBatch, form: string): TpError {
  const seen = Object.entries(outputs).map(([name, { type, dims }]) => `${name} ${type}[${dims}]`)
  return new TpError(
    'TP_OUTPUT',
    'bulk',
    `one float32 output [${rows}, ${form}] is needed; the model gave ${seen.join(', ')}`,
  )
}
