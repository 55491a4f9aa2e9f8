import { createHash } from 'node:crypto'
import type { FileColumns } from './columns.ts'
import { dataError } from './data-error.ts'
import type { InputFormat } from './input-files.ts'
import { readBytes } from './line-ranges.ts'
import { parseLines, type RawCell } from './line-rows.ts'
import { hashOfData } from './open-data.ts'
import { parquetRows } from './parquet-input.ts'

/** The texts of a row that a model reads, and its id. */
export interface TextRow {
  readonly text: string
  readonly pair?: string
  /** The words of the text, where it is given as such. */
  readonly words?: readonly string[]
  readonly id?: string | number | null
}

/** Which rows, without the file that they are in. */
export interface RowsSpec {
  readonly format: InputFormat
  readonly columns: FileColumns
  readonly rows: number
  readonly hash: string
}

export interface RowsLocation {
  readonly path: string
  readonly start: number
  readonly end: number
}

/** As many characters as a book has. A tokenizer reads all of a text, however few tokens the model takes. */
const MOST_CHARACTERS = 1_000_000

/**
 * Reads the rows of one shard, and makes sure that they are those that were planned.
 * @throws TpError TP_DATA for rows that cannot be read, or a file that has changed since
 */
export async function readRows(spec: RowsSpec, { path, start, end }: RowsLocation): Promise<TextRow[]> {
  const { format, columns } = spec
  const raw =
    format === 'parquet' ? await wholeParquet(spec, { path, start, end }) : await wholeLines(spec, { path, start, end })
  if (raw.length !== spec.rows)
    throw dataError(
      path,
      `${spec.rows} rows were counted at ${start}, and ${raw.length} can be read; are its quotes broken?`,
    )
  return raw.map((cells, i) => {
    const where = `${path}, row ${i + 1} from ${format === 'parquet' ? 'row' : 'byte'} ${start} on`
    const text = cells[columns.text]
    return {
      text: textIn(text, where, 'text'),
      ...(Array.isArray(text) && { words: text as string[] }),
      ...(columns.pair !== undefined && { pair: textIn(cells[columns.pair], where, 'second text') }),
      ...(columns.id !== undefined && { id: idIn(cells[columns.id], where) }),
    }
  })
}

async function wholeLines({ format, columns, hash }: RowsSpec, { path, start, end }: RowsLocation) {
  const bytes = await readBytes(path, start, end)
  if (createHash('sha256').update(bytes).digest('hex') !== hash) throw changed(path)
  return parseLines(`${path}, from byte ${start} on`, format as Exclude<InputFormat, 'parquet'>, bytes, columns)
}

async function wholeParquet({ columns, hash }: RowsSpec, { path, start, end }: RowsLocation) {
  if ((await hashOfData(path)) !== hash) throw changed(path)
  const names = [columns.text, columns.pair, columns.id].filter((name) => name !== undefined).map(String)
  return await parquetRows(path, start, end, [...new Set(names)])
}

function textIn(cell: RawCell, where: string, what: string): string {
  const text = Array.isArray(cell) && cell.every((word) => typeof word === 'string') ? cell.join(' ') : cell
  if (typeof text !== 'string' && typeof text !== 'number') throw dataError(where, `has no ${what}`)
  const { length } = String(text)
  if (length > MOST_CHARACTERS)
    throw dataError(where, `has a ${what} of ${length} characters; at most 1,000,000 are read`)
  return String(text)
}

/** The id of a row is copied to the output, and must be the same there. */
function idIn(cell: RawCell, where: string): string | number | null {
  if (cell === undefined || cell === null) return null
  if (typeof cell === 'string' || typeof cell === 'boolean') return `${cell}`
  if (typeof cell === 'object') {
    const kind = cell instanceof Date ? 'a date' : 'a list or an object'
    const advice = 'it has to be a text or a number; name another column (idColumn; --read idColumn=NAME)'
    throw dataError(where, `has an id that is ${kind}; ${advice}`)
  }
  const number = Number(cell)
  if (Number.isSafeInteger(number) || (!Number.isInteger(number) && Number.isFinite(number))) return number
  // Of JSON, digits are lost before; a 64-bit integer of Parquet has them all.
  if (typeof cell === 'bigint') return `${cell}`
  throw dataError(where, `has the id ${cell}, a number of too many digits to be kept; write such ids as text`)
}

function changed(path: string): Error {
  return dataError(path, 'has changed since the run began; run it again with what it is now')
}
