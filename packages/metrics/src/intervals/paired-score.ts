import { NORMAL, turningPoint } from './interval.ts'

/** Answers of two models to the same examples, counted. */
export interface PairedCounts {
  readonly examples: number
  /** Examples that only the first has right, and only the second; of the others both have the same. */
  readonly onlyFirst: number
  readonly onlySecond: number
}

/** @param first and second: by example, 1 where the answer was right, else 0 */
export function pairedCounts(first: readonly number[], second: readonly number[]): PairedCounts {
  const onlyFirst = first.filter((right, i) => right > (second[i] as number)).length
  const onlySecond = first.filter((right, i) => right < (second[i] as number)).length
  return { examples: first.length, onlyFirst, onlySecond }
}

/**
 * Tango's score statistic: how many standard deviations the observed difference is above δ, if δ is the true one,
 *
 *     z = (b − c − nδ) / √(n(2q + δ(1 − δ)))
 *
 * where b and c count the examples that only one model has right, and q is the likeliest share of those that only the second
 * has right, given δ: the larger root of 2nq² + ((2n − b + c)δ − b − c)q − cδ(1 − δ) = 0. Tango, Statistics in Medicine 17, 1998,
 * 891–908.
 */
export function pairedScore({ examples, onlyFirst, onlySecond }: PairedCounts, difference: number): number {
  const above = onlyFirst - onlySecond - examples * difference
  if (above === 0) return 0
  const spread = difference * (1 - difference)
  const [a, b] = [2 * examples, (2 * examples - onlyFirst + onlySecond) * difference - onlyFirst - onlySecond]
  const c = -onlySecond * spread
  const root = Math.sqrt(Math.max(0, b * b - 4 * a * c))
  // The form of the root that does not subtract like from like.
  const share = b > 0 ? (-2 * c) / (b + root) : (root - b) / (2 * a)
  return above / Math.sqrt(Math.max(0, examples * (2 * share + spread)))
}

/** Whether the score test at 2.5 % rules out that the first is right so much more often, or more: at once, where many are tried. */
export function isScoredBelow(counts: PairedCounts, difference: number): boolean {
  return pairedScore(counts, difference) <= -NORMAL
}

/** The largest difference that is no more than so many standard deviations above the observed one. */
export function scoreLimit(counts: PairedCounts, deviations: number): number {
  const estimate = (counts.onlyFirst - counts.onlySecond) / counts.examples
  return turningPoint(estimate, 1, (difference) => pairedScore(counts, difference) < -deviations)
}
