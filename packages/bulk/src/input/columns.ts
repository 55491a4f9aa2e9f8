import { findTextColumns, type LineEnd, type TableHead } from '@tp/data'
import { dataError } from './data-error.ts'
import type { InputFile } from './input-files.ts'
import { lineEndIn, lineRanges, readBytes } from './line-ranges.ts'
import { type LineFormat, textOf } from './line-rows.ts'
import { parquetHead } from './parquet-input.ts'

/** Where a row has its parts: number of a column, or its name where the format has names. */
export interface FileColumns extends LineFormat {
  readonly text: string | number
  readonly pair?: string | number
  readonly id?: string | number
}

export interface ColumnNames {
  /** Name or number (from 1) of the column with the texts. Default: found by the header. */
  readonly textColumn?: string | undefined
  /** The same for the second texts of pairs. */
  readonly pairColumn?: string | undefined
  /** Name or number (from 1) of the column that identifies a row; default: one called `id`, or the like. */
  readonly idColumn?: string | undefined
  /** Whether the model takes pairs; `optional`: single texts as well. */
  readonly pairs?: boolean | 'optional'
}

/** Names of columns that identify rows. */
const ID_NAMES: readonly string[] = ['id', '_id', 'uid', 'guid', 'uuid', 'idx', 'index', 'key']

/** Where the texts of a file are, and the byte at which its first row begins. @throws TpError TP_DATA */
export async function findColumns(
  { path, format }: InputFile,
  options: ColumnNames,
): Promise<{ readonly columns: FileColumns; readonly from: number }> {
  const from = format === 'parquet' ? 0 : await startOf(path)
  const lineEnd = format === 'parquet' ? '\n' : await lineEndIn(path)
  const ended = lineEnd === '\r' ? { lineEnd } : {}
  if (format === 'text') {
    const named = options.textColumn ?? options.pairColumn ?? options.idColumn
    if (named !== undefined || options.pairs === true)
      throw dataError(
        path,
        `has a text a line and no columns${named === undefined ? ', and the model has one logit, as for pairs of texts' : ''}; give a table (.jsonl, .csv, .tsv, .parquet)${named === undefined ? ', or for a model of single texts the task classification' : ''}`,
      )
    return { columns: { text: 0, ...ended }, from }
  }
  const head = format === 'parquet' ? undefined : await readHead(path, format, from, lineEnd)
  const table: TableHead = head?.table ?? (await parquetHead(path))
  const { header, names, text, pair, separator } = findTextColumns(path, table, options)
  const isNamed = format === 'jsonl' || format === 'parquet'
  const id = idColumn(path, isNamed || header ? names : names.map(() => ''), options.idColumn)
  const key = (column: number): string | number => (isNamed ? (names[column] as string) : column)
  return {
    columns: {
      text: key(text),
      ...(pair !== undefined && { pair: key(pair) }),
      ...(id !== undefined && { id: key(id) }),
      ...(separator !== undefined && { separator }),
      ...ended,
    },
    from: header ? (head?.firstRow as number) : from,
  }
}

function idColumn(path: string, names: readonly string[], option: string | undefined): number | undefined {
  const plain = names.map((name) => name.trim().toLowerCase())
  if (option === undefined) return ID_NAMES.map((name) => plain.indexOf(name)).find((column) => column >= 0)
  const named = plain.indexOf(option.trim().toLowerCase())
  const number = /^[1-9]\d{0,8}$/.test(option) && Number(option) <= names.length ? Number(option) - 1 : -1
  const column = named >= 0 ? named : number
  if (column < 0) throw dataError(path, `there is no column called "${option}"; its columns are ${names.join(', ')}`)
  return column
}

/** After a byte-order mark. @throws TpError TP_DATA for UTF-16 */
async function startOf(path: string): Promise<number> {
  const [a, b, c] = await readBytes(path, 0, 3)
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff)) throw dataError(path, 'is UTF-16; save it as UTF-8')
  return a === 0xef && b === 0xbb && c === 0xbf ? 3 : 0
}

const HEAD = { rows: 100, bytes: 2 ** 18 }

async function readHead(
  path: string,
  format: 'jsonl' | 'csv' | 'tsv',
  from: number,
  lineEnd: LineEnd,
): Promise<{ readonly table: TableHead; readonly firstRow: number }> {
  const lines = { from, lineEnd, quoted: format === 'csv', skipped: format === 'jsonl' ? 'blank' : 'empty' } as const
  const first = await firstRange(path, lines, { ...HEAD, rows: 1 })
  const all = await firstRange(path, lines, HEAD)
  if (first === undefined || all === undefined) throw dataError(path, 'holds no row')
  const text = textOf(path, await readBytes(path, from, all.end))
  return { table: { format, text }, firstRow: first.end }
}

async function firstRange(...args: Parameters<typeof lineRanges>) {
  for await (const range of lineRanges(...args)) return range
  return undefined
}
