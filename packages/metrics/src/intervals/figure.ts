import { TpError } from '@tp/core'
import { type Interval, scaledInterval } from './interval.ts'
import { pairedDifference } from './paired-difference.ts'
import { pairedCounts } from './paired-score.ts'
import { proportionInterval } from './proportion-interval.ts'
import { type Contribution, ratioInterval } from './ratio-interval.ts'

/**
 * A figure of a model by example, the form in which the figures of all tasks are compared. Over any examples it is
 * Σ got / Σ of: a mean where `of` is absent, a ratio of counts (right tokens of all, F1 by entities) where it is there.
 */
export interface Figure {
  /** The contribution of each example. */
  readonly got: readonly number[]
  /** Out of how much; absent: 1 each. */
  readonly of?: readonly number[]
  /**
   * Whether it is a share of what could be right, `got` from 0 to `of`, or reads like one: a cosine, 0 of unrelated vectors.
   * Then examples of the kind that is rare may be missing among these, and the interval allows for some; of other numbers nothing
   * is known but what was seen.
   */
  readonly share?: boolean
  /**
   * How much two models at least differ on an example of a rare kind, for shares that are more or less right, as nDCG is: there the first two
   * of an order may change places. Losses then allow for some such examples that are missing among these, or for some as far apart as
   * the farthest that was seen; without it for some that only one model has right.
   */
  readonly rare?: number
}

/**
 * A figure over all examples with its 95 % interval. Right or wrong by example: {@link proportionInterval}; else
 * {@link ratioInterval}, in which whole examples vary.
 */
export function figureInterval(figure: Figure): Interval {
  const { got } = figure
  if (isCount(figure)) return proportionInterval(sum(got), got.length)
  const found = ratioInterval(contributions(figure), undefined, figure.share === true ? 'share' : 0)
  return figure.share === true ? within(found, 0, 1) : found
}

/**
 * How much lower the second figure is than the first, paired by example, with its 95 % interval. Right or wrong by example:
 * {@link pairedDifference}; else {@link ratioInterval}.
 * @throws TpError TP_OPTION if the two are not of the same examples
 */
export function figureLoss(first: Figure, second: Figure): Interval {
  const [count, other] = [first.got.length, second.got.length]
  if (count !== other) {
    throw new TpError('TP_OPTION', 'metrics', `figures of ${count} and ${other} examples cannot be compared`)
  }
  if (isCount(first) && isCount(second)) return pairedDifference(pairedCounts(first.got, second.got))
  const share = first.share === true && second.share === true
  const unseen = first.rare ?? (share ? 'share' : 0)
  const found = ratioInterval(contributions(first), contributions(second), unseen)
  return share ? within(found, -1, 1) : found
}

/** Percent right with its 95 % interval; by example, how often it was answered right, 0 … 1. */
export function accuracyInterval(right: readonly number[]): Interval {
  return scaledInterval(figureInterval({ got: right, share: true }), 100)
}

/**
 * Points of accuracy that `second` loses against `first`, with their 95 % interval, paired; both by example as in
 * {@link accuracyInterval}.
 */
export function accuracyLoss(first: readonly number[], second: readonly number[]): Interval {
  return scaledInterval(figureLoss({ got: first, share: true }, { got: second, share: true }), 100)
}

/** Several runs of the same examples (seeds) taken together: each example's numbers are means. */
export function meanFigure(figures: readonly Figure[]): Figure {
  const [first] = figures
  if (first === undefined) throw new TpError('TP_OPTION', 'metrics', 'there is no mean of no figures')
  const mean = (of: (figure: Figure) => readonly number[] | undefined): number[] =>
    first.got.map((_, row) => figures.reduce((sum, figure) => sum + (of(figure)?.[row] ?? 1), 0) / figures.length)
  return {
    got: mean(({ got }) => got),
    ...(first.of !== undefined && { of: mean((figure) => figure.of) }),
    ...(first.share !== undefined && { share: first.share }),
    ...(first.rare !== undefined && { rare: first.rare }),
  }
}

function isCount({ got, of, share }: Figure): boolean {
  return share === true && of === undefined && got.every((value) => value === 0 || value === 1)
}

function contributions({ got, of }: Figure): Contribution[] {
  return got.map((value, i) => ({ got: value, of: of?.[i] ?? 1 }))
}

function within({ estimate, low, high }: Interval, least: number, most: number): Interval {
  return { estimate, low: Math.max(least, low), high: Math.min(most, high) }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
