/** A relevant document of a query: where a search puts it (from 1), and how relevant it is judged (above 0). */
export interface Found {
  readonly rank: number
  readonly gain: number
}

/** Share of the relevant documents that are among the first `depth`. */
export function recallAt(depth: number, relevant: readonly Found[]): number {
  return relevant.filter(({ rank }) => rank <= depth).length / relevant.length
}

/** One over the rank of the first relevant document; its mean over queries is MRR. */
export function reciprocalRank(relevant: readonly Found[]): number {
  return 1 / Math.min(...relevant.map(({ rank }) => rank))
}

/**
 * Ranks (from 1) of some documents by similarity, the most similar first. Of equally similar ones the later name comes first, as
 * in trec_eval.
 * @param similarity of the query with every document
 * @param names of the documents
 */
export function ranksOf(
  similarity: ArrayLike<number>,
  names: readonly string[],
  documents: readonly number[],
): number[] {
  const ranks = documents.map(() => 1)
  for (let other = 0; other < similarity.length; other++) {
    const value = similarity[other] as number
    for (const [i, document] of documents.entries()) {
      const own = similarity[document] as number
      const isBefore = value > own || (value === own && (names[other] as string) > (names[document] as string))
      if (isBefore) ranks[i] = (ranks[i] as number) + 1
    }
  }
  return ranks
}
