import { TpError } from '@tp/core'
import { type BootstrapOptions, bootstrap, type Interval, sumOf } from './bootstrap.ts'

/**
 * A figure of a model by example, the form in which the figures of all tasks are compared. Over any examples it is
 * Σ got / Σ of: a mean where `of` is absent, a ratio of counts (right tokens of all, F1 by entities) where it is there.
 */
export interface Figure {
  /** What each example adds. */
  readonly got: readonly number[]
  /** Out of how much; absent: 1 each. */
  readonly of?: readonly number[]
}

/** A figure over all examples, with the interval of examples drawn anew. */
export function figureInterval(figure: Figure, options?: BootstrapOptions): Interval {
  return bootstrap(figure.got.length, over(figure), options)
}

/**
 * How much lower the second figure is than the first, paired: both are computed on the same examples drawn anew.
 * @throws TpError TP_OPTION if the two are not of the same examples
 */
export function figureLoss(first: Figure, second: Figure, options?: BootstrapOptions): Interval {
  const [count, other] = [first.got.length, second.got.length]
  if (count !== other) {
    throw new TpError('TP_OPTION', 'eval', `figures of ${count} and ${other} examples cannot be compared`)
  }
  const [before, after] = [over(first), over(second)]
  return bootstrap(count, (rows) => before(rows) - after(rows), options)
}

/** Several runs of the same examples (seeds) taken together: each example's numbers are means. */
export function meanFigure(figures: readonly Figure[]): Figure {
  const [first] = figures
  if (first === undefined) throw new TpError('TP_OPTION', 'eval', 'there is no mean of no figures')
  const mean = (of: (figure: Figure) => readonly number[] | undefined): number[] =>
    first.got.map((_, row) => figures.reduce((sum, figure) => sum + (of(figure)?.[row] ?? 1), 0) / figures.length)
  return first.of === undefined
    ? { got: mean(({ got }) => got) }
    : { got: mean(({ got }) => got), of: mean((f) => f.of) }
}

function over({ got, of }: Figure): (rows: Uint32Array) => number {
  const gained = Float64Array.from(got)
  const possible = of && Float64Array.from(of)
  return (rows) => sumOf(gained, rows) / (possible === undefined ? rows.length : sumOf(possible, rows))
}
