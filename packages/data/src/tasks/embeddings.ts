import { TpError } from '@tp/core'
import type { NamedTensors, Session, TensorLike, ValueInfo } from '@tp/core/runtime'
import type { Figure } from '@tp/metrics'
import { dot, nearest, ownOutputs, rankCorrelation, similarities, type Vectors } from '@tp/metrics'
import { type EvaluateOptions, runExamples } from '../evaluation/run-examples.ts'
import type { ModelInputs } from '../inputs/model-inputs.ts'
import { type Pooling, pool } from '../inputs/pooling.ts'
import { maskOf } from '../inputs/token-rows.ts'
import type { Outcome } from './outcome.ts'

/** Vectors that a model gives for a data set. They are judged by comparison with those of the dense model. */
export interface Embeddings extends Outcome<'embeddings'> {
  /** Of length 1, by example in the data set's order; with `tokenWidth` one after another those of its tokens, each of length 1. */
  readonly vectors: Vectors
  /** Numbers of each token's vector, where tokens are not pooled. */
  readonly tokenWidth?: number
}

export interface EmbedOptions extends EvaluateOptions {
  /** Name of the output that is the vector [batch, D], or the tokens' vectors [batch, tokens, D]; default: found by name and shape. */
  readonly output?: string | undefined
  /** Keeps a vector for each token, for late interaction (ColBERT), instead of their mean. */
  readonly byToken?: boolean | undefined
}

/** Usual names of the output with one vector per input. */
export const EMBEDDING_OUTPUTS: readonly string[] = [
  'sentence_embedding',
  'text_embeds',
  'image_embeds',
  'embedding',
  'embeddings',
]

/**
 * A vector for each example: the model's own [batch, D], or of [batch, tokens, D] one by `inputs.pooling` of the real tokens, which in a
 * model pruned without restoring are the kept ones (`tp.mask`).
 * @throws TpError TP_OUTPUT, TP_TOKENIZER, TP_DATA, TP_ABORTED
 */
export async function embed(session: Session, inputs: ModelInputs, options: EmbedOptions = {}): Promise<Embeddings> {
  const vectors = new Array<Float64Array>(inputs.targets.length)
  const { byToken = false, output: name } = options
  let tokenWidth: number | undefined
  const run = await runExamples(session, inputs, options, ({ outputs, feeds, positions }) => {
    const output = vectorOutput(outputs, positions.length, name)
    if (byToken) tokenWidth = widthOf(output)
    const batch = { outputs, feeds, rows: positions.length }
    const rows = byToken ? tokensOf(output, outputs, feeds) : rowsOf(output, batch, inputs.pooling)
    for (const [row, position] of positions.entries()) {
      const own = rows[row] as Float64Array | Float32Array[]
      vectors[position] = Array.isArray(own)
        ? joined(own.map((each) => ofLengthOne(Float64Array.from(each), inputs.source, position)))
        : ofLengthOne(own, inputs.source, position)
    }
  })
  return { task: 'embeddings', figures: {}, vectors, ...(tokenWidth !== undefined && { tokenWidth }), ...run }
}

export interface NearnessOptions {
  /** How many neighbors of an example are looked at (default 10). */
  readonly neighbors?: number | undefined
  /** How many examples, the first ones, are looked up among all (default 200); time grows with this times the number of examples. */
  readonly queries?: number | undefined
}

/** How near vectors are to those of the dense model, by example. */
export interface Nearness {
  /** Cosine of an example's vector with its dense one. */
  readonly cosine: Figure
  /** Spearman's, of an example's similarities to all others with the dense ones. */
  readonly rankCorrelation: Figure
  /** Share of an example's nearest in the dense model that are still among its nearest: an index of the same model. */
  readonly neighbors: Figure
  /** The same where examples are looked up in an index of dense vectors. */
  readonly neighborsInDense: Figure
}

/**
 * Vectors compared with those of the dense model: how near they are, whether similarities persist, and what a search finds.
 * `rankCorrelation` and the neighbors are of the first `queries` examples, each against all others.
 * @throws TpError TP_OPTION if the two are not of the same examples, TP_DATA for fewer than 3
 */
export function compareEmbeddings(pruned: Embeddings, dense: Embeddings, options: NearnessOptions = {}): Nearness {
  const [own, reference] = [pruned.vectors, dense.vectors]
  const count = reference.length
  if (own.length !== count || own[0]?.length !== reference[0]?.length) {
    const seen = `${own.length} vectors of ${own[0]?.length} and ${count} of ${reference[0]?.length} numbers`
    throw new TpError('TP_OPTION', 'data', `${seen} cannot be compared; embed the same examples`)
  }
  if (count < 3) throw new TpError('TP_DATA', 'data', `${count} examples have no neighbors to compare; give 3 or more`)
  const { neighbors = 10, queries = 200 } = options
  const wanted = Math.min(neighbors, count - 1)
  const found = reference.slice(0, queries).map((vector, row) => {
    const query = own[row] as Float64Array
    const [before, after, mixed] = [
      similarities(reference, vector),
      similarities(own, query),
      similarities(reference, query),
    ]
    const near = new Set(nearest(before, wanted, row))
    const share = (similarity: Float64Array): number =>
      nearest(similarity, wanted, row).filter((other) => near.has(other)).length / wanted
    const others = (similarity: Float64Array): number[] => [
      ...similarity.subarray(0, row),
      ...similarity.subarray(row + 1),
    ]
    // If all others are equally far, there is no order to compare.
    return {
      order: rankCorrelation(others(before), others(after)) ?? 0,
      both: share(after),
      mixed: share(mixed),
    }
  })
  return {
    cosine: { got: reference.map((vector, row) => dot(vector, own[row] as Float64Array)), share: true },
    rankCorrelation: { got: found.map(({ order }) => order), share: true },
    neighbors: { got: found.map(({ both }) => both), share: true },
    neighborsInDense: { got: found.map(({ mixed }) => mixed), share: true },
  }
}

/**
 * Of a model's outputs the one that an embedding is read from: [batch, D], or [batch, tokens, D] of which the mean is taken.
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
  const wanted = name === undefined ? 'one float32 output' : `a float32 output ${name} of`
  const forms = `[${rows}, D] or [${rows}, tokens, D]`
  throw new TpError('TP_OUTPUT', 'data', `${wanted} ${forms} is needed to embed; the model gave ${seen.join(', ')}`)
}

/** What a model was given for a batch, and has computed. */
export interface RanBatch {
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
export function vectorsOf(batch: RanBatch, by: Pooling['of'] = 'mean', name?: string): Float64Array[] {
  const output = vectorOutput(batch.outputs, batch.rows, name)
  const vectors = rowsOf(output, batch, by)
  if (vectors.every((vector) => vector.every(Number.isFinite))) return vectors
  throw new TpError('TP_OUTPUT', 'data', 'the model gave a vector with numbers that are none')
}

/** One vector per example; of token vectors one of the real ones, as the model pools. */
function rowsOf(output: TensorLike, { outputs, feeds }: RanBatch, by: Pooling['of'] = 'mean'): Float64Array[] {
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

function joined(vectors: readonly Float64Array[]): Float64Array {
  const [first] = vectors
  const all = new Float64Array(vectors.length * (first?.length ?? 0))
  for (const [i, vector] of vectors.entries()) all.set(vector, i * vector.length)
  return all
}

/** @throws TpError TP_OUTPUT for an output without a vector for each token */
function widthOf({ dims }: TensorLike): number {
  if (dims.length === 3) return dims[2] as number
  throw new TpError('TP_OUTPUT', 'data', `late interaction needs a vector for each token, and the output is [${dims}]`)
}

function ofLengthOne(vector: Float64Array, source: string, position: number): Float64Array {
  const length = Math.hypot(...vector)
  if (length > 0 && Number.isFinite(length)) return vector.map((value) => value / length)
  throw new TpError('TP_OUTPUT', 'data', `${source}: the vector of example ${position} has length ${length}`)
}
