import type { TpError } from '@tp/core'
import { dataError } from '../table/data-error.ts'
import { linesOf } from '../table/lines.ts'
import { readText } from '../table/read-table.ts'
import { TableSize } from '../table/table-size.ts'

const MOST_LINES = 10_000_000

/** A line of a run or of judgments. */
export interface Line {
  readonly cells: readonly string[]
  /** The problem with it. */
  readonly fail: (problem: string) => TpError
}

/**
 * The lines of a table of identifiers and numbers, in columns that tabs or spaces separate, without a header: a first line
 * that names its first column `query-id`, `query_id` or `qid`.
 * @throws TpError TP_DATA for a line with another number of columns
 */
export async function cellsOf(
  path: string,
  { from, to }: { readonly from: number; readonly to: number },
  what: string,
): Promise<Line[]> {
  const size = new TableSize(MOST_LINES)
  const found: Line[] = []
  let number = 0
  for (const line of linesOf(await readText(path))) {
    number++
    if (line.trim() === '') continue
    const where = `${path}, line ${number}`
    const cells = line.includes('\t') ? line.split('\t').map((cell) => cell.trim()) : line.trim().split(/ +/)
    if (found.length === 0 && /^(query[-_]?id|qid|query)$/i.test(cells[0] ?? '')) continue
    if (cells.length < from || cells.length > to) {
      throw dataError(where, `has ${cells.length} columns; ${what} are ${from === to ? from : `${from} to ${to}`}`)
    }
    size.add(path, cells.length)
    found.push({ cells, fail: (problem) => dataError(where, problem) })
  }
  if (found.length === 0) throw dataError(path, `holds no line of ${what}`)
  return found
}
