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
export function bootstrapMean(values: readonly number[], options: BootstrapOptions = {}): Interval {
  const { seed = 1, resamples = 2000 } = options
  const count = values.length
  if (count === 0) return { estimate: Number.NaN, low: Number.NaN, high: Number.NaN }
  const random = randomNumbers(seed)
  const data = Float64Array.from(values)
  const means = Array.from({ length: resamples }, () => {
    let sum = 0
    for (let i = 0; i < count; i++) sum += data[Math.floor(random() * count)] as number
    return sum / count
  })
  const [low, high] = quantile(means, [0.025, 0.975]) as [number, number]
  return { estimate: data.reduce((sum, value) => sum + value, 0) / count, low, high }
}
