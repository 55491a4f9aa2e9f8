import { isUtf8 } from 'node:buffer'
import { type LineEnd, linesOf, recordDelimiters } from '@tp/data'
import { parse } from 'csv-parse/sync'
import { dataError } from './data-error.ts'
import type { InputFormat } from './input-files.ts'
import { MOST_BYTES_A_ROW } from './line-ranges.ts'

/** A value of a row's cell; lists of words are texts of words. */
export type RawCell = string | number | bigint | boolean | readonly string[] | null | undefined

/** Cells of a row, by the columns' numbers or names. */
export type RawRow = { readonly [column: string | number]: RawCell }

export interface LineFormat {
  /** Of CSV and TSV. */
  readonly separator?: string
  /** Default: a line feed. */
  readonly lineEnd?: LineEnd
}

/** The rows in bytes of a file with lines. @throws TpError TP_DATA */
export function parseLines(
  where: string,
  format: Exclude<InputFormat, 'parquet'>,
  bytes: Uint8Array,
  { separator = ',', lineEnd = '\n' }: LineFormat = {},
): RawRow[] {
  const text = textOf(where, bytes)
  if (format === 'text') return wholeLines(text, lineEnd).map((line) => ({ 0: line }))
  if (format === 'jsonl')
    return wholeLines(text, lineEnd)
      .filter((line) => line.trim() !== '')
      .map((line, i) => objectOf(where, line, i))
  try {
    return parse(text, {
      delimiter: separator,
      ...(format === 'csv' ? { quote: '"', escape: '"' } : { quote: null }),
      record_delimiter: recordDelimiters(lineEnd),
      skip_empty_lines: true,
      relax_column_count: true,
      max_record_size: MOST_BYTES_A_ROW,
    }) as unknown as RawRow[]
  } catch (cause) {
    throw dataError(
      where,
      `cannot be read as a table (${(cause as Error).message.split('\n')[0]?.slice(0, 200)})`,
      cause,
    )
  }
}

/** UTF-8 that is valid: a model would read what stands for invalid bytes. */
export function textOf(where: string, bytes: Uint8Array): string {
  const problem = !isUtf8(bytes) ? 'is not UTF-8 text' : bytes.includes(0) ? 'holds a NUL character' : undefined
  if (problem !== undefined) throw dataError(where, `${problem}; save the file as UTF-8`)
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
}

function wholeLines(text: string, end: LineEnd): string[] {
  const lines = [...linesOf(text, end)]
  if (lines.at(-1) === '') lines.pop()
  return lines
}

function objectOf(where: string, line: string, row: number): RawRow {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as RawRow
  } catch (cause) {
    throw dataError(
      where,
      `row ${row + 1} of these is invalid JSON; each line has to be a JSON object of its own`,
      cause,
    )
  }
  throw dataError(where, `row ${row + 1} of these is not a JSON object`)
}
