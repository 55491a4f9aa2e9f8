import type { SearchData } from '@tp/data'
import { bootstrapMean, type Interval, pairedBootstrap, rankCorrelationAt, scaledInterval } from '@tp/metrics'
import { points } from '../texts.ts'

/**
 * Words on a dense model whose cosines follow people's scores of pairs no better than chance: a distance in place of a score, or one of something else. By
 * such scores a ruined model may gain.
 * @returns undefined where they do follow them, with 97.5 % confidence
 */
export function followsByChance(cosines: readonly number[], scores: readonly number[]): string | undefined {
  const correlation = rankCorrelationAt(cosines, scores)
  const spearman = pairedBootstrap(scores.length, (some) => 100 * (correlation(some) ?? 0))
  return spearman.low > 0
    ? undefined
    : `${noBetter('follows the scores', "Spearman's correlation", spearman)}; give scores that are the higher, the more alike two texts are`
}

/**
 * Words on a dense model that finds for a query what is relevant no better than what is relevant to another one.
 * @param found nDCG@10 of each query
 * @param others the same by {@link judgmentsOfOthers}
 * @returns undefined where it does find it, with 97.5 % confidence
 */
export function findsByChance(found: readonly number[], others: readonly number[]): string | undefined {
  const better = scaledInterval(bootstrapMean(found.map((own, query) => own - (others[query] as number))), 100)
  return better.low > 0
    ? undefined
    : `${noBetter('finds what is relevant', 'nDCG@10 over that of other queries', better)}; check which documents the judgments name`
}

/** Percent of right answers below which a model hardly ever agrees with its labels, however many classes there are. */
const HARDLY = 5

/**
 * Words on a dense model that is right less often than by chance, or hardly ever: labels that have changed places, or numbers that stand for
 * other classes. By such labels a ruined model may gain.
 * @returns undefined where it is right as often
 */
export function agreesHardlyEver({ accuracy, classes }: { accuracy: Interval; classes: number }): string | undefined {
  const chance = 100 / Math.max(2, classes)
  const isRare = accuracy.estimate < HARDLY && accuracy.low <= chance
  if (accuracy.high >= chance && !isRare) return undefined
  const seen = `hardly ever agrees with the labels (${points(accuracy)} %), so they cannot show a loss`
  return `${seen}; check which label stands for which class`
}

function noBetter(what: string, figure: string, interval: Interval): string {
  return `${what} no better than by chance (${figure} ${points(interval)}), so they cannot show a loss`
}

/** Each query with the judgments of one half of the queries away. */
export function judgmentsOfOthers({ relevant }: Pick<SearchData, 'relevant'>): SearchData['relevant'] {
  const half = Math.floor(relevant.length / 2)
  return relevant.map((_, query) => relevant[(query + half) % relevant.length] ?? [])
}
