import { mean } from '../summaries/mean.ts'

/**
 * Normalized discounted cumulative gain of a ranking, 0 … 1: Σ gain / log₂(rank + 1) over the first `depth` ranks, as a share of
 * that of the best order of `judged`. Gains are taken as they are (`ndcg_cut` of trec_eval, BEIR). A query of which nothing
 * is relevant has 0.
 * @param gains of the ranked documents, the first rank first
 * @param judged gains of all documents that could have been ranked
 */
export function ndcg(gains: readonly number[], judged: readonly number[], depth = 10): number {
  const best = gainOf(
    judged.toSorted((a, b) => b - a),
    depth,
  )
  return best > 0 ? gainOf(gains, depth) / best : 0
}

/** Positions of numbers, the largest first; equal ones keep their order. NaN ranks last. */
export function rankingOf(scores: readonly number[]): number[] {
  const key = (i: number): number => (Number.isNaN(scores[i]) ? Number.NEGATIVE_INFINITY : (scores[i] as number))
  return [...scores.keys()].sort((a, b) => (key(a) === key(b) ? a - b : key(b) - key(a)))
}

/**
 * Gains in the order of their scores, the largest first. Each of equal scores has the mean of their gains, so that the order in which they are
 * given does not count: sums are those that are expected of any order (McSherry and Najork, ECIR 2008).
 */
export function rankedGains(scores: readonly number[], gains: readonly number[]): number[] {
  const order = rankingOf(scores)
  const ranked = order.map((i) => gains[i] as number)
  const scoreAt = (rank: number): number => scores[order[rank] as number] as number
  for (let [start, end] = [0, 1]; start < order.length; start = end++) {
    while (end < order.length && scoreAt(end) === scoreAt(start)) end++
    if (end > start + 1) ranked.fill(mean(ranked.slice(start, end)), start, end)
  }
  return ranked
}

function gainOf(gains: readonly number[], depth: number): number {
  return gains.slice(0, depth).reduce((sum, gain, i) => sum + gain / Math.log2(i + 2), 0)
}
