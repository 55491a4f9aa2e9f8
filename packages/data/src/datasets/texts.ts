import { type TextDataset, textDataset, UNLABELED } from './dataset.ts'
import { type ColumnOptions, cellOf, textColumn } from './table/columns.ts'
import { readTable } from './table/read-table.ts'

export interface TextsOptions extends Pick<ColumnOptions, 'textColumn'> {
  /** The largest number of texts to read. */
  readonly limit?: number | undefined
}

/**
 * Texts without labels, from the tables that `readTextExamples` reads, or one a line. Of several columns that of the texts is found
 * by the header; without one it has to be the only one with several words to a cell.
 * @throws TpError TP_DATA naming the line, or the columns
 */
export async function readTexts(path: string, options: TextsOptions = {}): Promise<TextDataset> {
  const table = await readTable(path)
  const { rows, text } = textColumn(table, options)
  return textDataset(
    path,
    rows.map((row) => ({
      text: cellOf(table, row, text, 'text'),
      label: UNLABELED,
      source: `${path}, line ${row.line}`,
    })),
  )
}
