import type { Interval } from './interval.ts'
import { studentQuantile } from './student.ts'

/** The contribution of an example to a ratio of sums. */
export interface Contribution {
  readonly got: number
  readonly of: number
}

/** How far examples may differ that are missing among those seen: as far as a share can, or at least by so much. */
export type Unseen = 'share' | number

/**
 * Σ got / Σ of over examples, less the same of a second model on the same examples if there is one, with a 95 % interval. Examples
 * are independent, what belongs to one is not. Linearised, the ratio varies as the mean of
 *
 *     uᵢ = (gotᵢ − r·ofᵢ) / mean(of), less the same of the second model
 *
 * (Cochran, Sampling Techniques, 1977, 6.3), so the interval is Student's. Rare examples that would change the mean much may be
 * missing among a few examples, or come once: then the spread that is seen is too small, or none at all. So either limit is
 * that with two more examples which speak for it as strongly as can be: of a share, where what is possible is known, right
 * (or wrong) throughout, of two models for one of them alone; of other numbers as far from the mean as the farthest that was seen, or as
 * `unseen` says.
 * As adding successes and failures does for proportions (Agresti and Coull, The American Statistician 52, 1998; Bonett and
 * Price, Journal of Educational and Behavioral Statistics 37, 2012), but each limit has its own. Coverage is measured in
 * docs/how-measured.md.
 *
 * @param unseen `share` where got is between 0 and `of`
 */
export function ratioInterval(
  first: readonly Contribution[],
  second: readonly Contribution[] | undefined,
  unseen: Unseen,
): Interval {
  const estimate = difference(first, second)
  const share = unseen === 'share'
  if (first.length < 2 && !share) return { estimate, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY }
  const limit = (side: -1 | 1): number => {
    const most = side > 0 ? 1 : 0
    const [one, other] = share ? [extended(first, most), second && extended(second, 1 - most)] : [first, second]
    const values = influences(one, other)
    const far =
      side * Math.max(share ? 0 : unseen / meanOf(first.map((example) => example.of)), ...values.map(Math.abs))
    return difference(one, other) + reach(share ? values : [...values, far, far], side)
  }
  return { estimate, low: Math.min(estimate, limit(-1)), high: Math.max(estimate, limit(1)) }
}

function difference(first: readonly Contribution[], second: readonly Contribution[] | undefined): number {
  return ratio(first) - (second === undefined ? 0 : ratio(second))
}

function ratio(examples: readonly Contribution[]): number {
  let [sum, all] = [0, 0]
  for (const { got, of } of examples) {
    sum += got
    all += of
  }
  return sum / all
}

/** With two more examples of this share, as large as they are on average. */
function extended(examples: readonly Contribution[], share: number): Contribution[] {
  const of = meanOf(examples.map((example) => example.of))
  const added = { got: share * of, of }
  return [...examples, added, added]
}

/** How far each example moves the difference, times their number. */
function influences(first: readonly Contribution[], second: readonly Contribution[] | undefined): number[] {
  const [one, other] = [first, second ?? []].map((examples) => {
    const [own, of] = [ratio(examples), meanOf(examples.map((example) => example.of))]
    return examples.map(({ got, of: all }) => (got - own * all) / of)
  }) as [number[], number[]]
  return one.map((value, i) => value - (other[i] ?? 0))
}

/** How far a limit of the mean of what some numbers are a sample of is from 0, on one side. */
function reach(values: readonly number[], side: -1 | 1): number {
  const [count, mean] = [values.length, meanOf(values)]
  let squares = 0
  for (const value of values) squares += (value - mean) ** 2
  return mean + side * studentQuantile(count - 1) * Math.sqrt(squares / (count - 1) / count)
}

function meanOf(values: readonly number[]): number {
  let sum = 0
  for (const value of values) sum += value
  return sum / values.length
}
