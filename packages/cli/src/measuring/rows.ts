import type { FlipAnalysis } from '@tp/eval'
import type { VariantLatency } from '@tp/eval/metrics'
import { factor } from '../output/numbers.ts'
import { table } from '../output/table.ts'
import type { VariantFigures } from './evaluate-variant.ts'

/** One row of the table of `tp eval`. */
export interface ResultRow extends VariantFigures {
  readonly method: string
  readonly keep: string
  readonly seeds: number
  /** Of a run of the model; where a decoder follows, of both together. */
  readonly latency: VariantLatency
  /** Of the encoder alone, where a decoder follows. */
  readonly encoder?: VariantLatency
  /** Seconds of sound that are written down in one second. */
  readonly soundPerSecond?: number
  /** Which tokens changed answers, if requested. */
  readonly flips: FlipAnalysis | undefined
}

export function describeRows(rows: readonly ResultRow[]): string {
  const answers = Object.keys(rows[0]?.answers.columns ?? {})
  const isSpeech = rows.some(({ encoder }) => encoder !== undefined)
  const speech = isSpeech ? ['encoder', 's of sound per s'] : []
  const headings = ['method', 'keep', 'kept', ...answers, 'FLOPs', ...speech, 'p50 ms', 'speed-up']
  const cells = rows.map((row, i) => [
    nameOf(row),
    row.keep,
    row.kept.toFixed(2),
    ...answers.map((heading) => row.answers.columns[heading] ?? ''),
    row.flops === undefined ? '–' : factor(row.flops),
    ...(row.encoder ? [i === 0 ? factor(1) : speedUp(row.encoder), row.soundPerSecond?.toFixed(1) ?? ''] : []),
    row.latency.p50Ms.toFixed(2),
    i === 0 ? factor(1) : speedUp(row.latency),
  ])
  return table(headings, cells, ['method'])
}

/** What follows for the user, row by row; empty where nothing does. */
export function describeVerdicts(rows: readonly ResultRow[]): string {
  const lines = rows.flatMap((row) => {
    const { verdict } = row.answers
    const name = row.keep === '' ? nameOf(row) : `${nameOf(row)} ${row.keep}`
    return verdict === undefined ? [] : [`${name}: ${verdict}`]
  })
  return lines.join('\n')
}

export function nameOf({ method, seeds }: Pick<ResultRow, 'method' | 'seeds'>): string {
  return seeds === 1 ? method : `${method} (${seeds} seeds)`
}

function speedUp({ speedup: { value, low, high } }: VariantLatency): string {
  return `${factor(value)} (${low.toFixed(2)} … ${high.toFixed(2)})`
}

/** The row in JSON: percent, factors over dense, milliseconds. */
export function rowContent({
  method,
  keep,
  seeds,
  kept,
  keptByLayer,
  answers,
  flops,
  endToEnd,
  latency,
  encoder,
  soundPerSecond,
}: ResultRow): object {
  const { p50Ms, p90Ms, speedup } = latency
  return {
    ...{ method, keep: keep === '' ? null : keep, seeds, kept, keptByLayer },
    ...{ ...answers.content, flops: flops ?? null },
    ...{ p50Ms, p90Ms, endToEnd: endToEnd ? { p50Ms: endToEnd.p50, p90Ms: endToEnd.p90 } : null },
    ...{ speedup: speedup.value, speedupLow: speedup.low, speedupHigh: speedup.high },
    ...(encoder && { encoder: { p50Ms: encoder.p50Ms, speedup: encoder.speedup }, soundPerSecond }),
  }
}
