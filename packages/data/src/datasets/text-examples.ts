import { type TextDataset, textDataset } from './dataset.ts'
import { type LabeledOptions, requireClass } from './labels.ts'
import { type ColumnOptions, cellOf, exampleColumns } from './table/columns.ts'
import { readTable } from './table/read-table.ts'
import type { Row } from './table/table.ts'
import { textsIn } from './table/table-texts.ts'

export interface TableOptions extends LabeledOptions, ColumnOptions {}

/**
 * Reads texts, or pairs of texts, with their labels if there are any, from a table: tab-separated (quotes are plain characters),
 * comma-separated (RFC 4180) or JSON lines, by the ending of its name; UTF-8, or UTF-16 with a byte-order mark. The header names the
 * columns; without one there must be two, one with labels only, or one, of texts without labels.
 * @throws TpError TP_DATA naming the line, or the columns
 */
export async function readTextExamples(path: string, options: TableOptions = {}): Promise<TextDataset> {
  const table = await readTable(path)
  const columns = exampleColumns(table, options)
  const { label } = columns
  if (label < 0) return textDataset(path, textsIn(table, columns))
  const classOf = (row: number, source: string): number =>
    requireClass(cellOf(table, columns.rows[row] as Row, label, 'label'), options.labels, source)
  return textDataset(path, textsIn(table, columns, classOf))
}
