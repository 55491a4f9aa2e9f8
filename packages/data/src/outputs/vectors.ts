import { TpError } from '@tp/core'
import type { NamedTensors, TensorLike, ValueInfo } from '@tp/core/runtime'
import { ownOutputs } from '@tp/metrics'
import { type Pooling, pool } from '../inputs/pooling.ts'
import { maskOf } from '../inputs/token-rows.ts'

/** Usual names of the output with one vector per input. */
export const EMBEDDING_OUTPUTS: readonly string[] = [
  'sentence_embedding',
  'text_embeds',
  'image_embeds',
  'embedding',
  'embeddings',
]

/**
 * The output of a model from which an embedding is read: [batch, D], or [batch, tokens, D] of which the mean is taken.
 * @param name what it is called; default: found by name and shape
 * @returns undefined if none or several fit
 */
export function embeddingOutput<T extends Pick<ValueInfo, 'type' | 'dims'>>(
  outputs: Readonly<Record<string, T>>,
  name?: string,
): T | undefined {
  const known = name ?? EMBEDDING_OUTPUTS.find((each) => outputs[each] !== undefined) ?? ''
  const fitting = ownOutputs(outputs, known).filter(
    ({ type, dims }) => type === 'float32' && (dims.length === 2 || dims.length === 3),
  )
  // A pooled output next to the tokens' states comes from a head that few models have trained.
  const tokens = fitting.filter(({ dims }) => dims.length === 3)
  const [output, ...others] = tokens.length > 0 ? tokens : fitting
  return others.length === 0 && (name === undefined || outputs[name] === output) ? output : undefined
}

function vectorOutput(outputs: NamedTensors, rows: number, name: string | undefined): TensorLike {
  const ofRows = Object.fromEntries(Object.entries(outputs).filter(([, { dims }]) => dims[0] === rows))
  const output = embeddingOutput(ofRows, name)
  if (output !== undefined) return output
  const seen = Object.entries(outputs).map(([other, { type, dims }]) => `${other} ${type}[${dims}]`)
  const required = name === undefined ? 'one float32 output' : `a float32 output ${name} of`
  const forms = `[${rows}, D] or [${rows}, tokens, D]`
  throw new TpError('TP_OUTPUT', 'data', `${required} ${forms} is needed to embed; the model gave ${seen.join(', ')}`)
}

/** The inputs of a model for a batch, and its outputs. */
export interface ModelBatch {
  readonly feeds: NamedTensors
  readonly outputs: NamedTensors
  /** Examples in it. */
  readonly rows: number
}

/**
 * A vector for each example of a batch: the model's own, or pooled from those of its real tokens.
 * @param by how tokens are pooled; default: the mean
 * @param name of the output; default: found by name and shape
 * @throws TpError TP_OUTPUT without such an output, and for vectors that are not finite
 */
export function vectorsOf(batch: ModelBatch, by: Pooling['of'] = 'mean', name?: string): Float64Array[] {
  const output = vectorOutput(batch.outputs, batch.rows, name)
  const vectors = rowsOf(output, batch, by)
  if (vectors.every((vector) => vector.every(Number.isFinite))) return vectors
  throw new TpError('TP_OUTPUT', 'data', 'the model gave a vector with values that are not numbers (NaN)')
}

/**
 * The vectors of each example's real tokens, in a batch, and how many numbers each has.
 * @throws TpError TP_OUTPUT without a vector for each token
 */
export function tokenVectorsOf(
  { outputs, feeds, rows }: ModelBatch,
  name?: string,
): { readonly width: number; readonly vectors: readonly (readonly Float32Array[])[] } {
  const output = vectorOutput(outputs, rows, name)
  return { width: widthOf(output), vectors: tokensOf(output, outputs, feeds) }
}

/** One vector per example; of token vectors one of the real ones, as the model pools. */
function rowsOf(output: TensorLike, { outputs, feeds }: ModelBatch, by: Pooling['of']): Float64Array[] {
  if (output.dims.length === 3) return tokensOf(output, outputs, feeds).map((tokens) => pool(tokens, by))
  const [rows = 0, width = 0] = output.dims
  const values = output.data as Float32Array
  return Array.from({ length: rows }, (_, row) => Float64Array.from(values.subarray(row * width, (row + 1) * width)))
}

/** The vectors of the real tokens, by example. */
function tokensOf({ data, dims }: TensorLike, outputs: NamedTensors, feeds: NamedTensors): Float32Array[][] {
  const values = data as Float32Array
  const [rows = 0, tokens = 0, width = 0] = dims
  const masks = [outputs['tp.mask'], maskOf(feeds)]
  const mask = masks.find((each) => each?.dims[1] === tokens)?.data
  return Array.from({ length: rows }, (_, row) => {
    const real: Float32Array[] = []
    for (let at = row * tokens; at < (row + 1) * tokens; at++) {
      if (mask === undefined || Number(mask[at]) !== 0) real.push(values.subarray(at * width, (at + 1) * width))
    }
    return real
  })
}

/** @throws TpError TP_OUTPUT for an output without a vector for each token */
function widthOf({ dims }: TensorLike): number {
  if (dims.length === 3) return dims[2] as number
  throw new TpError('TP_OUTPUT', 'data', `late interaction needs a vector for each token, and the output is [${dims}]`)
}
