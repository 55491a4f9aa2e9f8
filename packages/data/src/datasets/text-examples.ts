import { type TextDataset, textDataset, UNLABELED } from './dataset.ts'
import { type LabeledOptions, requireClass } from './labels.ts'
import { type ColumnOptions, cellOf, exampleColumns } from './table/columns.ts'
import { readTable } from './table/read-table.ts'

export interface TableOptions extends LabeledOptions, ColumnOptions {}

/**
 * Reads texts, or pairs of texts, with their labels if there are any, from a table: tab-separated (quotes are plain characters),
 * comma-separated (RFC 4180) or JSON lines, by the ending of its name; UTF-8, or UTF-16 with a byte-order mark. The header names the
 * columns; without one there must be two, one with labels only, or one, of texts without labels.
 * @throws TpError TP_DATA naming the line, or the columns
 */
export async function readTextExamples(path: string, options: TableOptions = {}): Promise<TextDataset> {
  const table = await readTable(path)
  const { rows, text, pair, label } = exampleColumns(table, options)
  return textDataset(
    path,
    rows.map((row) => {
      const source = `${path}, line ${row.line}`
      return {
        text: cellOf(table, row, text, 'text'),
        ...(pair >= 0 && { pair: cellOf(table, row, pair, 'text') }),
        label: label < 0 ? UNLABELED : requireClass(cellOf(table, row, label, 'label'), options.labels, source),
        source,
      }
    }),
  )
}
