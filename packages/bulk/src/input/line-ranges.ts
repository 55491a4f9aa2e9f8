import { createHash } from 'node:crypto'
import type { LineEnd } from '@tp/data'
import { dataError } from './data-error.ts'
import { openData } from './open-data.ts'

/** Some rows of a file: bytes of one with lines, rows of a Parquet file; from `start` on, without `end`. */
export interface RowRange {
  readonly start: number
  readonly end: number
  readonly rows: number
  /** SHA-256 of the bytes that the rows are read from. */
  readonly hash: string
}

/** How large a range may become; it ends with the row that exceeds either. */
export interface RangeLimits {
  readonly rows: number
  readonly bytes: number
  /** Rows of all ranges together, after which no more are read. Default: all that there are. */
  readonly inAll?: number
}

export interface LineOptions {
  /** Byte at which the first row begins. */
  readonly from: number
  /** Whether line ends in quotes are part of a row, as in CSV. */
  readonly quoted: boolean
  /** Default: a line feed. */
  readonly lineEnd?: LineEnd | undefined
  /** Lines that do not count as rows: none, empty ones, or also those of white space. */
  readonly skipped: 'none' | 'empty' | 'blank'
}

/** No row is as long, but one whose quotes do not close, or of a file that has no lines. */
export const MOST_BYTES_A_ROW: number = 4 * 2 ** 20

const CHUNK = 2 ** 20
const [TAB, LF, CR, SPACE, QUOTE] = [0x09, 0x0a, 0x0d, 0x20, 0x22]

/**
 * Divides the rows of a file into ranges, reading it once. Memory does not depend on its size.
 * @throws TpError TP_DATA for a row of more than 4 MiB
 */
export async function* lineRanges(
  path: string,
  { from, quoted, lineEnd = '\n', skipped }: LineOptions,
  limits: RangeLimits,
): AsyncGenerator<RowRange> {
  await using file = await openData(path)
  const buffer = Buffer.allocUnsafe(CHUNK)
  const end = lineEnd.charCodeAt(0)
  const isNothing = (byte: number): boolean =>
    skipped !== 'none' && (byte === CR || (skipped === 'blank' && (byte === SPACE || byte === TAB)))
  let [offset, start, rowStart, rows] = [from, from, from, 0]
  let [inQuotes, isBlank] = [false, true]
  let hash = createHash('sha256')
  let left = limits.inAll ?? Number.POSITIVE_INFINITY
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, CHUNK, offset)
    if (bytesRead === 0) break
    let hashed = 0
    for (let i = 0; i < bytesRead; i++) {
      const byte = buffer[i] as number
      if (byte !== end || inQuotes) {
        if (quoted && byte === QUOTE) inQuotes = !inQuotes
        if (isBlank && !isNothing(byte)) isBlank = false
        continue
      }
      if (skipped === 'none' || !isBlank) rows++
      isBlank = true
      rowStart = offset + i + 1
      if (rows < Math.min(limits.rows, left) && rowStart - start < limits.bytes) continue
      hash.update(buffer.subarray(hashed, i + 1))
      if (rows > 0) yield { start, end: rowStart, rows, hash: hash.digest('hex') }
      left -= rows
      if (left === 0) return
      ;[hash, hashed, start, rows] = [createHash('sha256'), i + 1, rowStart, 0]
    }
    hash.update(buffer.subarray(hashed, bytesRead))
    offset += bytesRead
    if (offset - rowStart > MOST_BYTES_A_ROW)
      throw dataError(path, `has a row of more than 4 MiB at byte ${rowStart}; are its line ends or quotes broken?`)
  }
  if (offset > rowStart && !(isBlank && skipped !== 'none')) rows++
  if (rows > 0) yield { start, end: offset, rows, hash: hash.digest('hex') }
}

/** The character that ends the lines of a file, as `@tp/data` decides it for a text that is read at once. */
export async function lineEndIn(path: string): Promise<LineEnd> {
  await using file = await openData(path)
  const buffer = Buffer.allocUnsafe(CHUNK)
  let isCut = false
  for (let offset = 0; ; ) {
    const { bytesRead } = await file.read(buffer, 0, CHUNK, offset)
    const bytes = buffer.subarray(0, bytesRead)
    if (bytes.includes(LF)) return '\n'
    isCut ||= bytes.includes(CR)
    offset += bytesRead
    // A line that is too long is refused, whatever ends it.
    if (bytesRead === 0 || (!isCut && offset > MOST_BYTES_A_ROW)) return isCut ? '\r' : '\n'
  }
}

/** Bytes of a file, as many as there are. */
export async function readBytes(path: string, start: number, end: number): Promise<Buffer> {
  await using file = await openData(path)
  const bytes = Buffer.allocUnsafe(end - start)
  let length = 0
  while (length < bytes.length) {
    const { bytesRead } = await file.read(bytes, length, bytes.length - length, start + length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  return bytes.subarray(0, length)
}
