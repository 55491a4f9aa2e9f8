import { TpError } from '@tp/core'
import { median } from '@tp/core/statistics'

export interface Speedup {
  /** Median over rounds of (first variant's time for all inputs) / (this variant's time in the same round). */
  readonly value: number
  /** Interval that covers the true median with 95 % probability; with fewer than 6 rounds, the extremes. */
  readonly low: number
  readonly high: number
}

/** How many times faster one variant is than another, from their times in the same rounds. */
export function pairedSpeedup(baselineMs: readonly number[], variantMs: readonly number[]): Speedup {
  if (baselineMs.length !== variantMs.length || baselineMs.length === 0) {
    const counts = `${baselineMs.length} and ${variantMs.length}`
    throw new TpError('TP_OPTION', 'metrics', `times of ${counts} rounds do not pair; give those of one comparison`)
  }
  const ratios = variantMs.map((ms, round) => (baselineMs[round] as number) / ms)
  return { value: median(ratios), ...medianInterval(ratios) }
}

/**
 * 95 % confidence interval of the median by order statistics, free of assumptions about the distribution: the k-th
 * smallest and k-th largest, where k is the largest with P(Binomial(n, ½) < k) ≤ 2.5 % (at least 1).
 */
export function medianInterval(values: readonly number[]): { readonly low: number; readonly high: number } {
  const sorted = values.toSorted((a, b) => a - b)
  const n = sorted.length
  let k = 0
  let probability = 0.5 ** n
  for (let tail = probability; tail <= 0.025; tail += probability) {
    k += 1
    probability *= (n - k + 1) / k
  }
  const rank = Math.max(k, 1)
  return { low: sorted[rank - 1] ?? Number.NaN, high: sorted[n - rank] ?? Number.NaN }
}
