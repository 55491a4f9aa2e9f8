import { isTpError } from '@tp/core'
import type { TableHead } from '@tp/data'
import {
  type AsyncBuffer,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
  type SchemaTree,
} from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { dataError } from './data-error.ts'
import type { RangeLimits, RowRange } from './line-ranges.ts'
import type { RawCell, RawRow } from './line-rows.ts'
import { hashOfData, openData } from './open-data.ts'

/** A row group is decoded at once, and hyparquet holds its columns as JavaScript values. */
const MOST_BYTES_A_GROUP = 2 ** 30

/** The first rows of a Parquet file, and the names of its columns. */
export async function parquetHead(path: string): Promise<TableHead> {
  return await reading(path, async (file, metadata) => {
    const all = parquetSchema(metadata).children
    const names = all.filter(isReadable).map(({ element }) => element.name)
    if (names.length === 0) {
      const seen = all.map(({ element }) => `"${element.name}"`).join(', ')
      throw dataError(path, `holds neither texts nor lists of texts: its columns are ${seen}`)
    }
    const rows = await parquetReadObjects({
      file,
      metadata,
      columns: names,
      compressors,
      rowEnd: Math.min(20, Number(metadata.num_rows)),
    })
    return { names, cells: rows.map((row) => names.map((name) => cellText(row[name]))) }
  })
}

/** Divides the rows of a Parquet file into ranges; each has the hash of the whole file. @throws TpError TP_DATA */
export async function* parquetRanges(path: string, limits: RangeLimits): AsyncGenerator<RowRange> {
  const groups = await reading(path, async (_, { row_groups }) =>
    row_groups.map(({ num_rows, total_byte_size }) => ({ rows: Number(num_rows), bytes: Number(total_byte_size) })),
  )
  const hash = await hashOfData(path)
  const range = (start: number, end: number): RowRange => ({ start, end, rows: end - start, hash })
  let [start, end, size] = [0, 0, 0]
  let left = limits.inAll ?? Number.POSITIVE_INFINITY
  for (const { rows: all, bytes } of groups) {
    const rows = Math.min(all, left)
    left -= rows
    if (rows === 0) break
    if (bytes > MOST_BYTES_A_GROUP)
      throw dataError(path, 'has a row group of more than 1 GiB; write it with smaller ones')
    const isFull = end - start + rows > limits.rows || size + bytes > limits.bytes
    if (isFull && end > start) {
      yield range(start, end)
      ;[start, size] = [end, 0]
    }
    ;[end, size] = [end + rows, size + bytes]
    // A large row group is divided, and no other one is decoded for its parts.
    const step = Math.max(1, Math.min(limits.rows, Math.floor((limits.bytes * all) / Math.max(bytes, 1))))
    for (; end - start > step; start += step) yield range(start, start + step)
  }
  if (end > start) yield range(start, end)
}

/** @throws TpError TP_DATA */
export async function parquetRows(path: string, start: number, end: number, columns: string[]): Promise<RawRow[]> {
  return await reading(path, (file, metadata) =>
    parquetReadObjects({ file, metadata, columns, compressors, rowStart: start, rowEnd: end, useOffsetIndex: true }),
  )
}

/** Whether a column holds one value in each row, or a list of words; of other lists and of objects no text is made. */
function isReadable(column: SchemaTree): boolean {
  if (column.children.length === 0) return true
  const [items] = column.element.converted_type === 'LIST' ? column.children : []
  const [word] = items?.children ?? []
  return word?.children.length === 0 && word.element.type === 'BYTE_ARRAY'
}

async function reading<T>(path: string, use: (file: AsyncBuffer, metadata: FileMetaData) => Promise<T>): Promise<T> {
  await using handle = await openData(path)
  const { size } = await handle.stat()
  const file: AsyncBuffer = {
    byteLength: size,
    async slice(start, end = size) {
      const bytes = new Uint8Array(end - start)
      await handle.read(bytes, 0, bytes.length, start)
      return bytes.buffer
    },
  }
  try {
    return await use(file, await parquetMetadataAsync(file))
  } catch (cause) {
    if (isTpError(cause)) throw cause
    throw dataError(path, `cannot be read as Parquet (${(cause as Error).message.slice(0, 200)})`, cause)
  }
}

function cellText(value: RawCell): string | undefined {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint' ? `${value}` : undefined
}
