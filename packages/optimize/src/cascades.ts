import type { Fallback } from './candidate.ts'
import { type Answers, type Losses, lossesOf, predictionsOf, uncertaintiesOf } from './measure-answers.ts'
import { rankingLosses } from './ranking-losses.ts'

/** Losses if answers of at least this uncertainty are the dense model's: those lose nothing. A ranking has no fallback. */
export function lossesWith(
  dense: Answers,
  pruned: Answers,
  targets: readonly number[],
  threshold: number = Number.POSITIVE_INFINITY,
): Losses {
  if (dense.ranking !== undefined) return rankingLosses([...dense.logits], [...pruned.logits], dense.ranking)
  return sparedLosses(lossesOf(dense, predictionsOf(pruned), targets), uncertaintiesOf(pruned), threshold)
}

/** Numbers by example, 0 for those whose answers are at least this uncertain: they fall back. */
export function spared(values: readonly number[], uncertain: readonly number[], threshold: number): number[] {
  return values.map((value, i) => ((uncertain[i] as number) >= threshold ? 0 : value))
}

/** A threshold that holds. */
export interface Offer extends Omit<Fallback, 'ms'> {
  readonly losses: Losses
}

/**
 * The thresholds of uncertainty at which the loss holds: the one with the fewest fallbacks, and lower ones. Losses change at the
 * uncertainties of changed answers, so only those are candidates.
 */
export function leastFallbacks(
  dense: Answers,
  pruned: Answers,
  targets: readonly number[],
  holds: (losses: Losses) => boolean,
): Offer[] {
  const [before, after] = [predictionsOf(dense), predictionsOf(pruned)]
  const [alone, uncertain] = [lossesOf(dense, after, targets), uncertaintiesOf(pruned)]
  const turned = uncertain.filter((_, i) => before[i] !== after[i]).sort((a, b) => b - a)
  const all = turned.map((threshold) => ({
    threshold,
    share: uncertain.filter((own) => own >= threshold).length / uncertain.length,
    losses: sparedLosses(alone, uncertain, threshold),
  }))
  const first = all.findIndex(({ losses }) => holds(losses))
  return first < 0 ? [] : all.slice(first)
}

function sparedLosses({ labeled, expected, changed }: Losses, uncertain: readonly number[], threshold: number): Losses {
  const of = (values: readonly number[]): readonly number[] => spared(values, uncertain, threshold)
  return { labeled: labeled && of(labeled), expected: of(expected), changed: changed && of(changed) }
}
