import { basename } from 'node:path'
import { type CheckedModel, speedUpText } from '@tp/compare'
import type { ModelFile } from '@tp/data'
import type { Provenance } from '@tp/plans/files'
import { cellText } from './cell-text.ts'
import { madeFromText } from './made-from.ts'
import { megabytes } from './numbers.ts'
import { table } from './table.ts'

/** One of the two files that are compared, as a column of the table. */
export interface CheckedFile {
  readonly file: ModelFile
  /** Of the file and its data files. */
  readonly bytes: number
  readonly provenance: Provenance
  readonly figures: CheckedModel
}

/** A row for each figure, a column for each file: whatever the task measures fits into 80 columns. */
export function describeCheck(dense: CheckedFile, pruned: CheckedFile): string {
  const names = columnNames(dense.file.path, pruned.file.path)
  const [before, after] = [dense.figures, pruned.figures]
  const columns = [...new Set([before, after].flatMap(({ answers }) => Object.keys(answers.cells)))]
  const cellsOf = (heading: string): string[] => [before, after].map(({ answers }) => cellText(answers.cells[heading]))
  const rows = [
    ['made from', madeFromText(dense.provenance), madeFromText(pruned.provenance, dense.file)],
    ['size', megabytes(dense.bytes), megabytes(pruned.bytes)],
    ...columns.map((heading) => [heading, ...cellsOf(heading)]),
    ...(after.encoder ? [['encoder', '1.00×', speedUpText(after.encoder.speedup)]] : []),
    ...(after.encoder
      ? [['s of sound per s', ...[before, after].map((each) => each.soundPerSecond?.toFixed(1) ?? '')]]
      : []),
    ['p50 ms', before.latency.p50Ms.toFixed(2), after.latency.p50Ms.toFixed(2)],
    ['speed-up', '1.00×', speedUpText(after.latency.speedup)],
  ]
  const headings = ['', ...names]
  return table(headings, rows, headings)
}

function columnNames(dense: string, pruned: string): [string, string] {
  const names: [string, string] = [basename(dense), basename(pruned)]
  return names[0] === names[1] ? [dense, pruned] : names
}
