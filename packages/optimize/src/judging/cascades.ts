import type { ModelInputs } from '@tp/data/inputs'
import type { Fallback } from '../search/candidate.ts'
import type { Answers, Losses } from './answers.ts'
import {
  estimateLosses,
  isTagged,
  joinedLosses,
  lossesOf,
  predictionsOf,
  uncertaintiesOf,
  vectorLosses,
} from './measure-answers.ts'
import { rankingLosses } from './ranking-losses.ts'
import { tagLosses } from './tag-losses.ts'

/** Losses if answers of at least this uncertainty are the dense model's: those lose nothing. Only classes have fallbacks. */
export function lossesWith(
  dense: Answers,
  pruned: Answers,
  inputs: ModelInputs,
  threshold: number = Number.POSITIVE_INFINITY,
): Losses {
  if (inputs.vectors !== undefined) return vectorLosses(dense, pruned, inputs)
  if (inputs.estimates !== undefined) return estimateLosses(dense, pruned)
  if (isTagged(inputs)) return tagLosses(dense, pruned, inputs)
  if (dense.ranking !== undefined) return rankingLosses([...dense.logits], [...pruned.logits], dense.ranking)
  return sparedLosses(lossesOf(dense, predictionsOf(pruned), inputs.targets), uncertaintiesOf(pruned), threshold)
}

/** Numbers by example, 0 for those whose answers are at least this uncertain: they fall back. */
export function spared(values: readonly number[], uncertain: readonly number[], threshold: number): number[] {
  return values.map((value, i) => ((uncertain[i] as number) >= threshold ? 0 : value))
}

/** A threshold that holds. */
export interface Offer extends Fallback {
  readonly losses: Losses
}

/** The answers of the two models to some examples, and the labels of these. */
export interface AnsweredPart {
  readonly dense: Answers
  readonly pruned: Answers
  readonly targets: readonly number[]
}

/**
 * The thresholds of uncertainty at which the loss holds: the one with the fewest fallbacks, and lower ones. Losses change at the
 * uncertainties of changed answers, so only those are candidates.
 */
export function leastFallbacks(parts: readonly AnsweredPart[], holds: (losses: Losses) => boolean): Offer[] {
  const all = parts.map(({ dense, pruned, targets }) => ({
    before: predictionsOf(dense),
    after: predictionsOf(pruned),
    uncertain: uncertaintiesOf(pruned),
    alone: lossesOf(dense, predictionsOf(pruned), targets),
  }))
  const uncertain = all.flatMap((part) => part.uncertain)
  const alone = joinedLosses(all.map((part) => part.alone))
  const changed = all.flatMap(({ before, after, uncertain }) => uncertain.filter((_, i) => before[i] !== after[i]))
  const offers = changed
    .sort((a, b) => b - a)
    .map((threshold) => ({
      threshold,
      share: uncertain.filter((own) => own >= threshold).length / uncertain.length,
      losses: sparedLosses(alone, uncertain, threshold),
    }))
  const first = offers.findIndex(({ losses }) => holds(losses))
  return first < 0 ? [] : offers.slice(first)
}

function sparedLosses({ labeled, expected, changed }: Losses, uncertain: readonly number[], threshold: number): Losses {
  const of = (values: readonly number[]): readonly number[] => spared(values, uncertain, threshold)
  return { labeled: labeled && of(labeled), expected: of(expected), changed: changed && of(changed) }
}
