/** A relevant document of a query: where a search puts it (from 1), and how relevant it is judged (above 0). */
export interface Found {
  readonly rank: number
  readonly gain: number
}

/**
 * Normalised discounted cumulative gain of the first `depth` documents, 0 … 1:
 *
 *     DCG = Σ gain / log₂(1 + rank),   over the DCG of the best order that there is
 *
 * Järvelin and Kekäläinen, ACM TOIS 20, 2002, with gains as they are judged, as trec_eval (`ndcg_cut`) and BEIR have it.
 * @param relevant all relevant documents of the query, those that were found far below as well
 */
export function ndcgAt(depth: number, relevant: readonly Found[]): number {
  const discounted = ({ rank, gain }: Found): number => (rank > depth ? 0 : gain / Math.log2(1 + rank))
  const sum = (list: readonly Found[]): number => list.reduce((total, each) => total + discounted(each), 0)
  const best = relevant.map(({ gain }) => gain).sort((a, b) => b - a)
  return sum(relevant) / sum(best.map((gain, i) => ({ gain, rank: i + 1 })))
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
