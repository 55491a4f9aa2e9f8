import { type TextDataset, textDataset } from './dataset.ts'
import { requireClass } from './labels.ts'
import { LABEL_NAMES } from './table/column-names.ts'
import { type Columns, columnNamed, pairColumns, requireUnlabeled, textColumn } from './table/columns.ts'
import { dataError } from './table/data-error.ts'
import { readTable } from './table/read-table.ts'
import type { Row } from './table/table.ts'
import { textsIn } from './table/table-texts.ts'
import type { TableOptions } from './text-examples.ts'

/** Texts, or pairs of texts, and the labels of each that hold. */
export interface LabelSets {
  readonly texts: TextDataset
  /** Numbers of labels by example; absent where the data have none. */
  readonly sets: readonly (readonly number[])[] | undefined
}

/**
 * Reads texts with any number of labels each from the tables that `readTextExamples` reads: a column of labels (`joy, anger` or `0,3`, empty for
 * none; in JSON lines a list), of zeros and ones for each label of the model, or a column of them for each label, by its name.
 * @param count labels of the model
 * @throws TpError TP_DATA naming the line, or the columns
 */
export async function readLabelSets(path: string, count: number, options: TableOptions = {}): Promise<LabelSets> {
  const table = await readTable(path)
  const columns = pairColumns(table, options) ?? textColumn(table, options)
  const { rows } = columns
  const texts = textDataset(path, textsIn(table, columns))
  if (options.unlabeled) return { texts, sets: undefined }
  const read = listsIn(path, columns, options)
  if (read === undefined) {
    requireUnlabeled(path, columns)
    return { texts, sets: undefined }
  }
  const { lists, isHot = areHot(lists, count) } = read
  const sets = lists.map((list, i) => {
    const where = `${path}, line ${rows[i]?.line}`
    if (!isHot) return list.map((name) => requireClass(name, options.labels ?? numbered(count), where))
    const wrong = list.find((cell) => bitIn(cell) === undefined)
    if (wrong !== undefined)
      throw dataError(where, `has "${wrong.slice(0, 40)}" where 0 or 1 says whether a label holds`)
    return list.flatMap((cell, label) => (bitIn(cell) === 1 ? [label] : []))
  })
  return { texts, sets }
}

const ZERO_OR_ONE: ReadonlyMap<string, 0 | 1> = new Map([
  ...(['0', '0.0', 'false'] as const).map((cell) => [cell, 0] as const),
  ...(['1', '1.0', 'true'] as const).map((cell) => [cell, 1] as const),
])

const bitIn = (cell: string): 0 | 1 | undefined => ZERO_OR_ONE.get(cell.trim().toLowerCase())

/** Whether each list says of every label whether it holds. */
function areHot(lists: readonly (readonly string[])[], count: number): boolean {
  return lists.every((list) => list.length === count && list.every((cell) => bitIn(cell) !== undefined))
}

interface Lists {
  /** By example the labels that hold, or with `isHot` zeros and ones. */
  readonly lists: readonly (readonly string[])[]
  readonly isHot?: boolean
}

function listsIn(path: string, columns: Columns, options: TableOptions): Lists | undefined {
  const { rows, text, pair, header } = columns
  const names = columns.names.map((name) => name.trim().toLowerCase())
  const { labels, labelColumn } = options
  const own =
    header && labelColumn === undefined ? (labels ?? []).map((label) => names.indexOf(label.toLowerCase())) : []
  if (own.length > 0 && own.every((column) => column >= 0)) {
    const cells = (row: Row): string[] => own.map((column) => row.cells[column] ?? '')
    return { lists: rows.map(cells), isHot: true }
  }
  const named = header ? LABEL_NAMES.map((name) => names.indexOf(name)).find((i) => i >= 0 && i !== text) : undefined
  const other = !header && names.length === 2 && pair < 0 ? 1 - text : undefined
  const column = labelColumn === undefined ? (named ?? other) : columnNamed({ ...columns, path }, labelColumn)
  return column === undefined ? undefined : { lists: rows.map((row) => listOf(row, column, labels)) }
}

function listOf({ cells, lists }: Row, column: number, labels: readonly string[] | undefined): readonly string[] {
  const list = lists?.[column]
  if (list !== undefined) return list
  const cell = (cells[column] ?? '').trim().replace(/^\[(.*)\]$/s, '$1')
  if (cell === '') return []
  // A label's own name may hold a comma.
  if (labels?.some((label) => label.toLowerCase() === cell.toLowerCase())) return [cell]
  const separator = /[,;|]/.test(cell) ? /[,;|]/ : /\s+/
  return cell.split(separator).map((name) => name.trim().replace(/^(['"])(.*)\1$/, '$2'))
}

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, label) => `${label}`)
}
