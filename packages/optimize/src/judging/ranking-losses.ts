import { asScored, ndcgFigure } from '@tp/compare'
import type { Ranking } from '@tp/data'
import type { Losses } from './answers.ts'

/**
 * Points of nDCG@10 that other scores lose, by query: by what was judged, and by the dense model's own scores, σ(z), as if they were the
 * relevance of the documents. Where nobody has judged, the second is all there is.
 */
export function rankingLosses(dense: readonly number[], pruned: readonly number[], ranking: Ranking): Losses {
  const expected = lossIn(dense, pruned, asScored(ranking, dense)) ?? []
  return { labeled: lossIn(dense, pruned, ranking) ?? expected, expected, graded: true }
}

function lossIn(dense: readonly number[], pruned: readonly number[], ranking: Ranking): number[] | undefined {
  const [before, after] = [ndcgFigure(dense, ranking), ndcgFigure(pruned, ranking)]
  return before && after && before.got.map((gain, query) => 100 * (gain - (after.got[query] as number)))
}
