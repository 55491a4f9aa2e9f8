import { quantile } from 'simple-statistics'
import { randomNumbers } from '../random.ts'

/** An estimate with its 95 % interval. */
export interface Interval {
  readonly estimate: number
  readonly low: number
  readonly high: number
}

export interface BootstrapOptions {
  /** Default 1. */
  readonly seed?: number
  /** Default 2,000. */
  readonly resamples?: number
}

/**
 * Mean of some values with its 95 % percentile bootstrap interval: the values are drawn anew, with replacement, and the
 * middle 95 % of the means are taken. For a paired comparison give the differences by example.
 */
export function bootstrapMean(values: readonly number[], options?: BootstrapOptions): Interval {
  const data = Float64Array.from(values)
  return bootstrap(values.length, (rows) => sumOf(data, rows) / rows.length, options)
}

/**
 * Any figure over examples with its 95 % percentile bootstrap interval: whole examples are drawn anew, so that what
 * belongs to one stays together. Resamples for which the figure is not a number are left out.
 * @param figure of some examples, by their positions; those may come several times
 */
export function bootstrap(
  count: number,
  figure: (rows: Uint32Array) => number,
  { seed = 1, resamples = 2000 }: BootstrapOptions = {},
): Interval {
  if (count === 0) return { estimate: Number.NaN, low: Number.NaN, high: Number.NaN }
  const random = randomNumbers(seed)
  const rows = Uint32Array.from({ length: count }, (_, row) => row)
  const estimate = figure(rows)
  const found = Array.from({ length: resamples }, () => {
    for (let i = 0; i < count; i++) rows[i] = random() * count
    return figure(rows)
  }).filter((value) => !Number.isNaN(value))
  if (found.length === 0) return { estimate, low: Number.NaN, high: Number.NaN }
  const [low, high] = quantile(found, [0.025, 0.975]) as [number, number]
  return { estimate, low, high }
}

/** Sum of the values at some positions. */
export function sumOf(values: ArrayLike<number>, rows: Uint32Array): number {
  let sum = 0
  for (let i = 0; i < rows.length; i++) sum += values[rows[i] as number] as number
  return sum
}
