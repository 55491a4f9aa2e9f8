import type { SearchData } from '@tp/data'
import {
  type Found,
  maxSimilarities,
  ndcg,
  nearest,
  ranksOf,
  recallAt,
  reciprocalRank,
  similarities,
  type Vectors,
} from '@tp/metrics'
import { DEPTH } from './ranking.ts'

/** The documents that a search finds, by query. */
export interface Retrieval {
  /** nDCG of the first 10 documents. */
  readonly ndcg10: readonly number[]
  /** Share of the relevant documents among the first 100. */
  readonly recall100: readonly number[]
  /** One over the rank of the first relevant document. */
  readonly reciprocalRank: readonly number[]
  /** The first 10 documents, by position. */
  readonly top10: readonly (readonly number[])[]
}

/**
 * Searches an index of documents with queries, by the cosine of their vectors. A query does not find itself (`itself`), as in BEIR's tool.
 * @param queries and documents: vectors of length 1, in the order of `data`
 * @param tokenWidth of vectors by token (`Embeddings.tokenWidth`), which are compared by MaxSim
 */
export function retrieve(data: SearchData, queries: Vectors, documents: Vectors, tokenWidth?: number): Retrieval {
  const found = data.relevant.map((relevant, query) => {
    const own = queries[query] as Float64Array
    const similarity =
      tokenWidth === undefined ? similarities(documents, own) : maxSimilarities(documents, own, tokenWidth)
    const itself = data.itself[query] as number
    if (itself >= 0) similarity[itself] = Number.NEGATIVE_INFINITY
    const ranks = ranksOf(
      similarity,
      data.documents,
      relevant.map(({ document }) => document),
    )
    return {
      relevant: relevant.map(({ gain }, i): Found => ({ gain, rank: ranks[i] as number })),
      top: nearest(similarity, Math.min(DEPTH, documents.length), itself),
    }
  })
  return {
    ndcg10: found.map(({ relevant }) => ndcgOf(relevant)),
    recall100: found.map(({ relevant }) => recallAt(100, relevant)),
    reciprocalRank: found.map(({ relevant }) => reciprocalRank(relevant)),
    top10: found.map(({ top }) => top),
  }
}

function ndcgOf(relevant: readonly Found[]): number {
  const gains = new Array<number>(DEPTH).fill(0)
  for (const { rank, gain } of relevant) if (rank <= DEPTH) gains[rank - 1] = gain
  const judged = relevant.map(({ gain }) => gain)
  return ndcg(gains, judged, DEPTH)
}
