import { factor, plusMinus } from '../output/numbers.ts'
import { plainTable, type Table } from '../output/table.ts'
import type { Line } from './compare.ts'

/** A row of reports/quickstart.json. Accuracy and agreement in percent, flops and speedup as factors over dense. */
interface Row {
  readonly method: string
  readonly keep: number
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
    return { method, keep, kept, accuracy: estimate, low, high, agreement, flops, p50Ms, speedup }
  })
  return { model, rows }
}

export function terminalTable(lines: readonly Line[]): string {
  const table: Table = {
    headings: ['method', 'keep', 'kept', 'accuracy', 'p50 ms', 'speed-up', 'FLOPs', 'agrees with dense'],
    rows: lines.map((line) => [
      [line.method, ...(line.seeds.length > 1 ? [`(${line.seeds.length} seeds)`] : []), ...noteOf(line)].join(' '),
      `${line.keep}`,
      line.kept.toFixed(2),
      plusMinus(line.accuracy),
      line.p50Ms.toFixed(2),
      factor(line.speedup),
      factor(line.flops),
      `${line.agreement.toFixed(1)} %`,
    ]),
  }
  return plainTable(table)
}

function noteOf({ note }: Line): string[] {
  return note === undefined ? [] : [`(${note})`]
}
