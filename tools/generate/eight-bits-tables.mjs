import { intervalText } from './interval-text.mjs'
import { grouped, jsonLines } from './json-lines.mjs'
import { markdownTable } from './markdown-table.mjs'

/**
 * @typedef {{ estimate: number, low: number, high: number }} Interval
 * @typedef {{ model: string, form: string, same?: Record<string, [same: number, of: number, largest: number]>, metric?: string,
 *   loss?: Interval, withoutVnni?: true }} EightBitRow a line of docs/results/eight-bits.jsonl
 */

/** Forms of 8 bits that the table compares. */
const forms = ['token', 'dynamic']

/** Whether answers depend on the batch, and how many points they lose. @param {readonly EightBitRow[]} [rows] */
export function sameBitsTable(rows = jsonLines('docs/results/eight-bits.jsonl')) {
  const models = grouped(
    rows.filter(({ withoutVnni, metric }) => !withoutVnni && metric !== undefined),
    ({ model }) => model,
  )
  const lines = [...models].map(([model, own]) => {
    const found = forms.map((form) => own.find((row) => row.form === form))
    const metric = own[0]?.metric
    return [
      model,
      ...found.map(sameText),
      ...found.map((row) => (row?.loss ? intervalText(row.loss) : '–')),
      metric ?? '',
    ]
  })
  const headings = ['model', 'same bits', 'dynamic', 'points lost', 'dynamic', 'metric']
  return markdownTable(headings, lines)
}

/** @param {EightBitRow | undefined} row */
function sameText(row) {
  const counts = row?.same?.['padded right'] ?? row?.same?.batches
  return counts === undefined ? '–' : `${counts[0]} of ${counts[1]}`
}
