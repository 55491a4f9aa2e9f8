import { TpError } from '@tp/core'
import type { Session } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/data/inputs'
import { tokenVectorsOf, vectorsOf } from '@tp/data/outputs'
import { dot, type Figure, lengthOf, nearest, rankCorrelation, similarities, type Vectors } from '@tp/metrics'
import type { Outcome } from './outcome.ts'
import { type EvaluateOptions, runExamples } from './run-examples.ts'

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
    const batch = { outputs, feeds, rows: positions.length }
    const whole = (vector: Float64Array, position: number) => ofLengthOne(vector, inputs.source, position)
    if (byToken) {
      const { width, vectors: byExample } = tokenVectorsOf(batch, name)
      tokenWidth = width
      for (const [row, position] of positions.entries()) {
        const own = byExample[row] ?? []
        vectors[position] = joined(own.map((each) => whole(Float64Array.from(each), position)))
      }
      return
    }
    const rows = vectorsOf(batch, inputs.pooling, name)
    for (const [row, position] of positions.entries()) vectors[position] = whole(rows[row] as Float64Array, position)
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
    throw new TpError('TP_OPTION', 'compare', `${seen} cannot be compared; embed the same examples`)
  }
  if (count < 3)
    throw new TpError('TP_DATA', 'compare', `${count} examples have no neighbors to compare; give 3 or more`)
  const { neighbors = 10, queries = 200 } = options
  const most = Math.min(neighbors, count - 1)
  const found = reference.slice(0, queries).map((vector, row) => {
    const query = own[row] as Float64Array
    const [before, after, mixed] = [
      similarities(reference, vector),
      similarities(own, query),
      similarities(reference, query),
    ]
    const near = new Set(nearest(before, most, row))
    const share = (similarity: Float64Array): number =>
      nearest(similarity, most, row).filter((other) => near.has(other)).length / most
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

function joined(vectors: readonly Float64Array[]): Float64Array {
  const [first] = vectors
  const all = new Float64Array(vectors.length * (first?.length ?? 0))
  for (const [i, vector] of vectors.entries()) all.set(vector, i * vector.length)
  return all
}

function ofLengthOne(vector: Float64Array, source: string, position: number): Float64Array {
  const length = lengthOf(vector)
  if (length > 0 && Number.isFinite(length)) return vector.map((value) => value / length)
  throw new TpError('TP_OUTPUT', 'compare', `${source}: the vector of example ${position} has length ${length}`)
}
