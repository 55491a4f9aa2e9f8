import type { VariantLatency } from '@tp/eval'
import { factor, plusMinus, points } from '../output/numbers.ts'
import { table } from '../output/table.ts'
import type { Figures } from './evaluate-variant.ts'

/** One row of the table of `tp eval`. */
export interface Row extends Figures {
  readonly method: string
  readonly keep: string
  readonly seeds: number
  readonly latency: VariantLatency
}

export function describeRows(rows: readonly Row[]): string {
  const headings = [
    'method',
    'keep',
    'kept',
    'accuracy',
    'loss in points',
    'agrees with dense',
    'FLOPs',
    'p50 ms',
    'speed-up',
  ]
  const cells = rows.map(({ method, keep, seeds, kept, accuracy, loss, agreement, flops, latency }, i) => [
    seeds === 1 ? method : `${method} (${seeds} seeds)`,
    keep,
    kept.toFixed(2),
    plusMinus(accuracy),
    i === 0 ? '' : points(loss),
    `${agreement.toFixed(1)} %`,
    flops === undefined ? '–' : factor(flops),
    latency.p50Ms.toFixed(2),
    i === 0
      ? factor(1)
      : `${factor(latency.speedup.value)} (${latency.speedup.low.toFixed(2)} … ${latency.speedup.high.toFixed(2)})`,
  ])
  return table(headings, cells, ['method'])
}

/** The row in JSON: percent, factors over dense, milliseconds. */
export function rowContent(row: Row): object {
  const { method, keep, seeds, kept, keptByBlock, accuracy, loss, agreement, flops, endToEnd, latency } = row
  const { estimate, low, high } = accuracy
  const { p50Ms, p90Ms, speedup } = latency
  return {
    ...{ method, keep: keep === '' ? null : keep, seeds, kept, keptByBlock },
    ...{ accuracy: estimate, low, high, loss, agreement, flops: flops ?? null },
    ...{ p50Ms, p90Ms, endToEnd: endToEnd ? { p50Ms: endToEnd.p50, p90Ms: endToEnd.p90 } : null },
    ...{ speedup: speedup.value, speedupLow: speedup.low, speedupHigh: speedup.high },
  }
}
