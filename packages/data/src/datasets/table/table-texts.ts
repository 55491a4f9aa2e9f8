import { UNLABELED } from '../dataset.ts'
import { type Columns, cellOf } from './columns.ts'
import type { DataTable } from './table.ts'

/** A text, or a pair of texts, in a row of a table. */
interface TableText {
  readonly text: string
  readonly pair?: string
  readonly label: number
  readonly source: string
}

/**
 * The texts, or pairs of texts, in columns of a table.
 * @param labelOf the class of a row, by its position; default: none
 * @throws TpError TP_DATA naming the line
 */
export function textsIn(
  table: DataTable,
  { rows, text, pair }: Columns,
  labelOf: (row: number, source: string) => number = () => UNLABELED,
): TableText[] {
  return rows.map((row, i) => {
    const source = `${table.path}, line ${row.line}`
    return {
      text: cellOf(table, row, text, 'text'),
      ...(pair >= 0 && { pair: cellOf(table, row, pair, 'text') }),
      label: labelOf(i, source),
      source,
    }
  })
}
