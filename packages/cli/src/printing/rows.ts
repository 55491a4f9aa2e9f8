import { type ComparedVariant, factor, speedUpText, type Times } from '@tp/compare'
import { cellText } from './cell-text.ts'
import { table } from './table.ts'

/** One row of the table of `tp eval`. */
export interface ResultRow extends ComparedVariant {
  readonly method: string
  readonly keep: string
  readonly seeds: number
}

export function describeRows(rows: readonly ResultRow[]): string {
  const answers = Object.keys(rows[0]?.answers.cells ?? {})
  const isSpeech = rows.some(({ encoder }) => encoder !== undefined)
  const speech = isSpeech ? ['encoder', 's of sound per s'] : []
  const headings = ['method', 'keep', 'kept', ...answers, 'FLOPs', ...speech, 'p50 ms', 'speed-up']
  const cells = rows.map((row, i) => [
    nameOf(row),
    row.keep,
    row.kept?.toFixed(2) ?? '–',
    ...answers.map((heading) => cellText(row.answers.cells[heading])),
    row.flops === undefined ? '–' : factor(row.flops),
    ...(row.encoder
      ? [i === 0 ? factor(1) : speedUpText(row.encoder.speedup), row.soundPerSecond?.toFixed(1) ?? '']
      : []),
    row.latency.p50Ms.toFixed(2),
    i === 0 ? factor(1) : speedUpText(row.latency.speedup),
  ])
  return table(headings, cells, ['method'], { keys: 2 })
}

/** Advice for the user, row by row; empty where there is none. */
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
  ...times
}: ResultRow): object {
  return {
    ...{ method, keep: keep === '' ? null : keep, seeds, kept: kept ?? null, keptByLayer },
    ...{ ...answers.content, flops: flops ?? null },
    endToEnd: endToEnd ? { p50Ms: endToEnd.p50, p90Ms: endToEnd.p90 } : null,
    ...timesContent(times),
  }
}

/** Times in JSON: milliseconds, and factors over dense. */
export function timesContent({ latency, encoder, soundPerSecond }: Times): object {
  const { p50Ms, p90Ms, speedup } = latency
  return {
    ...{ p50Ms, p90Ms, speedup: speedup.value, speedupLow: speedup.low, speedupHigh: speedup.high },
    ...(encoder && { encoder: { p50Ms: encoder.p50Ms, speedup: encoder.speedup }, soundPerSecond }),
  }
}
