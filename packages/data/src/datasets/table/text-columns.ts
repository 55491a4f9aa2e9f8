import { type ColumnOptions, pairColumns, textColumn } from './columns.ts'
import { dataError } from './data-error.ts'
import { csvSeparator, parseCsv, parseTsv } from './delimited.ts'
import { parseJsonLines } from './json-lines.ts'
import type { DataTable } from './table.ts'

/** The first rows of a table: as they are written, or as cells where the format names its columns by other means. */
export type TableHead =
  | { readonly format: 'csv' | 'tsv' | 'jsonl'; readonly text: string }
  | { readonly names: readonly string[]; readonly cells: readonly (readonly (string | undefined)[])[] }

/** Where a table has its texts. */
export interface TextColumns {
  /** Its first row names the columns. */
  readonly header: boolean
  /** Names of the columns by their numbers; without a header the cells of the first row. */
  readonly names: readonly string[]
  /** Number of the column, from 0. */
  readonly text: number
  /** The same for the second texts of pairs; absent where texts are not pairs. */
  readonly pair?: number
  /** The separator of the cells, if there is one. */
  readonly separator?: string
}

export interface TextColumnsOptions extends Pick<ColumnOptions, 'textColumn' | 'pairColumn'> {
  /** Whether the model takes pairs of texts: then they are looked for, too. `optional`: it may take single texts as well. */
  readonly pairs?: boolean | 'optional' | undefined
}

/**
 * Finds the texts of a table that is too large to be read at once, as `readTexts` finds them in a small one: by the options, the
 * header, or the contents of the first rows.
 * @throws TpError TP_DATA with the columns that were seen, and what to do
 */
export function findTextColumns(path: string, head: TableHead, options: TextColumnsOptions = {}): TextColumns {
  const table = parseHead(path, head)
  const { pairs = false, pairColumn } = options
  const pair = pairs !== false || pairColumn !== undefined ? pairColumns(table, options) : undefined
  if (pairs === true && pair === undefined) {
    const advice = 'name both columns (textColumn and pairColumn), or for a model of single texts the one (textColumn)'
    throw dataError(
      path,
      `the model takes pairs of texts, and no two of its columns are known as those of one; ${advice}`,
    )
  }
  const { text, rows } = pair ?? textColumn(table, options)
  return {
    header: table.names === undefined && rows.length < table.rows.length,
    names: table.names ?? table.rows[0]?.cells.map((cell) => cell ?? '') ?? [],
    text,
    ...(pair !== undefined && { pair: pair.pair }),
    ...separatorOf(path, head),
  }
}

function parseHead(path: string, head: TableHead): DataTable {
  if ('cells' in head) return { path, names: head.names, rows: head.cells.map((cells, i) => ({ cells, line: i + 1 })) }
  if (head.format === 'csv') return parseCsv(path, head.text)
  return head.format === 'jsonl' ? parseJsonLines(path, head.text) : parseTsv(path, head.text)
}

function separatorOf(path: string, head: TableHead): { separator?: string } {
  if ('cells' in head || head.format === 'jsonl') return {}
  return { separator: head.format === 'csv' ? csvSeparator(path, head.text) : '\t' }
}
