import { type TextDataset, textDataset } from './dataset.ts'
import { numbersOf } from './ranking.ts'
import { type ColumnOptions, pairColumns, requireUnlabeled } from './table/columns.ts'
import { dataError, shown } from './table/data-error.ts'
import { numberIn } from './table/number-in.ts'
import { readTable } from './table/read-table.ts'
import type { Row } from './table/table.ts'
import { textsIn } from './table/table-texts.ts'

export interface PairsOptions extends ColumnOptions {
  /** Whether a column of relevance is not to be read. Default: it is, if there is one. */
  readonly unlabeled?: boolean | undefined
  /** The largest number of pairs to read. */
  readonly limit?: number | undefined
}

/**
 * Reads pairs of a query and a document, which are to be ranked, from the tables that `readTextExamples` reads. Pairs with the same query
 * are its candidates. A column of numbers says how relevant they are, if there is one.
 * @returns undefined if the table holds no pairs
 * @throws TpError TP_DATA naming the line, or the columns
 */
export async function readPairs(path: string, options: PairsOptions = {}): Promise<TextDataset | undefined> {
  const table = await readTable(path)
  const columns = pairColumns(table, options)
  if (columns === undefined) return undefined
  const { rows } = columns
  const label = options.unlabeled ? -1 : columns.label
  if (label < 0 && !options.unlabeled) requireUnlabeled(path, columns)
  const relevance = label < 0 ? undefined : rows.map((row) => relevanceOf(path, row, label))
  const pairs = textsIn(table, columns, relevance && ((row) => Number((relevance[row] as number) > 0)))
  return textDataset(path, pairs, { queries: numbersOf(pairs.map((own) => own.text)), relevance })
}

function relevanceOf(path: string, { cells, line }: Row, column: number): number {
  const number = numberIn(cells[column])
  if (number !== undefined && number >= 0) return number
  throw dataError(`${path}, line ${line}`, `has the relevance ${shown(cells[column] ?? '')}; it is a number from 0`)
}
