import type { Line } from '../measure/compare.ts'

/** A row of reports/quickstart.json. Accuracy and agreement in percent, flops and speedup as factors over dense. */
interface Row {
  readonly method: string
  readonly keep: Line['keep']
  readonly kept: number
  readonly accuracy: number
  readonly low: number
  readonly high: number
  readonly agreement: number
  readonly flops: number
  readonly p50Ms: number
  readonly speedup: number
}

export interface ModelReport {
  readonly model: string
  readonly rows: readonly Row[]
}

export function modelReport(model: string, lines: readonly Line[]): ModelReport {
  const rows = lines.map(({ method, keep, kept, accuracy, agreement, flops, p50Ms, speedup }) => {
    const { estimate, low, high } = accuracy
    return { method, keep, kept, accuracy: estimate, low, high, agreement, flops, p50Ms, speedup: speedup.value }
  })
  return { model, rows }
}
