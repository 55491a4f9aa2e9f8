import { type TextDataset, textDataset } from './dataset.ts'
import {
  type Columns,
  columnNamed,
  pairColumns,
  RELEVANCE_NAMES,
  requireUnlabeled,
  textColumn,
} from './table/columns.ts'
import { dataError, shown } from './table/data-error.ts'
import { numberIn } from './table/number-in.ts'
import { readTable } from './table/read-table.ts'
import { textsIn } from './table/table-texts.ts'
import type { TableOptions } from './text-examples.ts'

/** Texts, or pairs of texts, and the number that a model estimates of each. */
export interface ScoredTexts {
  readonly texts: TextDataset
  /** By example; absent where the data have none. */
  readonly scores: readonly number[] | undefined
}

const SCORE_NAMES = [...RELEVANCE_NAMES, 'similarity', 'rating', 'stars', 'value']

/**
 * Reads texts, or pairs of texts, with a number each, if there is a column of numbers, from the tables that `readTextExamples` reads.
 * @throws TpError TP_DATA naming the line, or the columns
 */
export async function readScoredTexts(path: string, options: TableOptions = {}): Promise<ScoredTexts> {
  const table = await readTable(path)
  const columns = pairColumns(table, options) ?? textColumn(table, options)
  const { rows } = columns
  const texts = textDataset(path, textsIn(table, columns))
  if (options.unlabeled) return { texts, scores: undefined }
  const score = scoreColumn(path, columns, options.labelColumn)
  if (score < 0) {
    requireUnlabeled(path, columns)
    return { texts, scores: undefined }
  }
  const scores = rows.map(({ cells, line }) => {
    const value = numberIn(cells[score])
    if (value !== undefined) return value
    const advice = 'the model estimates a number; name the column of numbers (labelColumn), or read none (--unlabeled)'
    throw dataError(
      `${path}, line ${line}`,
      `has the score ${shown(cells[score] ?? '')}, which is not a number; ${advice}`,
    )
  })
  return { texts, scores }
}

/** −1 where there is none. */
function scoreColumn(path: string, columns: Columns, option: string | undefined): number {
  const { rows, text, pair, header } = columns
  if (option !== undefined) return columnNamed({ ...columns, path }, option)
  const names = columns.names.map((name) => name.trim().toLowerCase())
  if (header) return SCORE_NAMES.map((name) => names.indexOf(name)).find((i) => i >= 0 && i !== text) ?? -1
  const numeric = names.flatMap((_, i) => (rows.every(({ cells }) => numberIn(cells[i]) !== undefined) ? [i] : []))
  const [only = -1, ...others] = numeric.filter((i) => i !== text && i !== pair)
  return others.length === 0 ? only : -1
}
