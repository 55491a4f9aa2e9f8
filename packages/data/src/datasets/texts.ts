import { type TextDataset, textDataset } from './dataset.ts'
import { type ColumnOptions, textColumn } from './table/columns.ts'
import { readTable } from './table/read-table.ts'
import { textsIn } from './table/table-texts.ts'

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
  return textDataset(path, textsIn(table, textColumn(table, options)))
}
