import { isTpError } from '@tp/core'
import { type Options, parse } from 'csv-parse/sync'
import { dataError } from './data-error.ts'
import { lineEndOf, recordDelimiters } from './lines.ts'
import type { DataTable, Row } from './table.ts'
import { TableSize } from './table-size.ts'

/** Tab-separated text as GLUE has it: quotes are plain characters. @throws TpError TP_DATA */
export function parseTsv(path: string, text: string): DataTable {
  return { path, names: undefined, rows: parseRows(path, text, { delimiter: '\t', quote: null }) }
}

/** Spreadsheets write lists with these where the comma is a decimal point. */
const SEPARATORS = [',', ';', '\t'] as const

/**
 * Comma-separated values (RFC 4180): cells in quotes may hold separators, line ends and doubled quotes. Semicolons and tabs
 * separate where commas do not.
 * @throws TpError TP_DATA for quotes that do not close, and where two separators would do
 */
export function parseCsv(path: string, text: string): DataTable {
  return { path, names: undefined, rows: parseSeparated(path, text, csvSeparator(path, text)) }
}

/** The separator of the cells of a CSV table. @throws TpError TP_DATA where two separators would do */
export function csvSeparator(path: string, text: string): string {
  const parsed = (separator: string, to?: number): Row[] => parseSeparated(path, text, separator, to)
  const separators = SEPARATORS.filter((separator) => separates(() => parsed(separator, 1)))
  if (separators.length < 2) return separators[0] ?? ','
  const fitting = separators.filter((separator) => separates(() => parsed(separator)))
  const [separator] = fitting
  if (separator !== undefined && fitting.length === 1) return separator
  const names = separators.map((each) => (each === '\t' ? 'tabs' : `"${each}"`)).join(' or ')
  const advice = 'put the texts in quotes'
  throw dataError(path, `its columns could be separated by ${names}, and it is ambiguous which is meant; ${advice}`)
}

function parseSeparated(path: string, text: string, separator: string, to?: number): Row[] {
  return parseRows(path, text, { delimiter: separator, quote: '"', escape: '"', ...(to !== undefined && { to }) })
}

/** Whether every row has the same number of cells, more than one. */
function separates(parsed: () => readonly Row[]): boolean {
  try {
    const rows = parsed()
    const width = rows[0]?.cells.length ?? 0
    return width > 1 && rows.every(({ cells }) => cells.length === width)
  } catch {
    // With another separator quotes close where they should not.
    return false
  }
}

/** No line is as long, but one whose quotes do not close, or of a file that has no lines. */
const MOST_BYTES_A_ROW = 4_000_000

function parseRows(path: string, text: string, options: Options): Row[] {
  const size = new TableSize()
  try {
    return parse(text, {
      ...options,
      record_delimiter: recordDelimiters(lineEndOf(text)),
      skip_empty_lines: true,
      relax_column_count: true,
      max_record_size: MOST_BYTES_A_ROW,
      on_record(cells: unknown, { lines }: { lines: number }): Row {
        const row = { cells: cells as string[], line: lines }
        size.add(path, row.cells.length)
        return row
      },
    } as unknown as Options) as unknown as Row[]
  } catch (cause) {
    if (isTpError(cause)) throw cause
    const { lines, message } = cause as { lines?: number; message: string }
    const where = lines === undefined ? path : `${path}, line ${lines}`
    throw dataError(where, `cannot be read as a table (${message.split('\n')[0]?.slice(0, 200)})`, cause)
  }
}
