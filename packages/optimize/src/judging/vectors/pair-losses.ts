import { centeredRanks, type Interval, mean, pairedBootstrap, rankCorrelationAt, sampleDeviation } from '@tp/metrics'
import type { Losses, PairFigures } from '../answers.ts'

/** Rows of each pair of texts, the first text before the second; pairs of which one text is missing are left out. */
export function rowsOfPairs(pairs: { readonly of: readonly number[] }): (readonly [first: number, second: number])[] {
  const rows = new Map<number, number[]>()
  for (const [row, pair] of pairs.of.entries()) rows.set(pair, [...(rows.get(pair) ?? []), row])
  return [...rows.values()].filter((own): own is [number, number] => own.length === 2)
}

/**
 * The points of Spearman's correlation with people's scores that a model loses. By pair so that their mean is the loss of the whole: each
 * pair's part in the correlation of the ranks, linearized about it.
 */
export function pairLosses(pairs: PairFigures): Losses {
  const scores = ranked(pairs.scores)
  const [before, after] = [partsOf(ranked(pairs.dense), scores), partsOf(ranked(pairs.changed), scores)]
  const lost = before.map((own, i) => 100 * (own - (after[i] as number)))
  return { labeled: lost, expected: lost, graded: true, mayGain: true, pairs }
}

/** The losses of several parts of the pairs together. */
export function joinedPairLosses(parts: readonly PairFigures[]): Losses {
  const of = (name: keyof PairFigures): number[] => parts.flatMap((part) => part[name])
  return pairLosses({ dense: of('dense'), changed: of('changed'), scores: of('scores') })
}

/** Points of the correlation that are lost, with their 95 % interval. */
export function pairLoss({ dense, changed, scores }: PairFigures): Interval {
  const [before, after] = [rankCorrelationAt(dense, scores), rankCorrelationAt(changed, scores)]
  return pairedBootstrap(scores.length, (some) => 100 * ((before(some) ?? 0) - (after(some) ?? 0)))
}

/** Ranks with mean 0 and deviation 1. */
function ranked(values: readonly number[]): number[] {
  const ranks = Array.from(centeredRanks(values))
  const deviation = sampleDeviation(ranks) || 1
  return ranks.map((rank) => rank / deviation)
}

function partsOf(own: readonly number[], scores: readonly number[]): number[] {
  const products = own.map((rank, i) => rank * (scores[i] as number))
  const correlation = mean(products)
  return own.map(
    (rank, i) => correlation + (products[i] as number) - (correlation * (rank * rank + (scores[i] as number) ** 2)) / 2,
  )
}
