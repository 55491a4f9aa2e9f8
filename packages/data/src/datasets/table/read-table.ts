import { extname } from 'node:path'
import { readBytes } from '../../read-bytes.ts'
import { unzipped } from '../unzipped.ts'
import { decodeText } from './decode-text.ts'
import { parseCsv, parseTsv } from './delimited.ts'
import { parseJsonLines } from './json-lines.ts'
import type { DataTable } from './table.ts'

const parsers: Readonly<Record<string, (path: string, text: string) => DataTable>> = {
  '.tsv': parseTsv,
  '.txt': parseTsv,
  '.csv': parseCsv,
  '.jsonl': parseJsonLines,
  '.ndjson': parseJsonLines,
  '.json': parseJsonLines,
}

/** Larger files might exceed a machine's memory: text, rows and cells are held at once. */
const MOST_BYTES = 128 * 2 ** 20

/** Whether the name is one of a table, compressed by gzip or not. */
export function isTable(path: string): boolean {
  return Object.hasOwn(parsers, tableExtension(path))
}

/** The extension that says how a table is written, in lower case, without one of compression. */
export function tableExtension(path: string): string {
  return extname(path.toLowerCase().replace(/\.gz$/, ''))
}

/** Reads a table; the extension of its name says how it is written. @throws TpError TP_DATA */
export async function readTable(path: string): Promise<DataTable> {
  const parse = parsers[tableExtension(path)] ?? parseTsv
  return parse(path, await readText(path))
}

/** The text of a file that may come from anywhere, compressed by gzip or not. @throws TpError TP_DATA */
export async function readText(path: string): Promise<string> {
  const bytes = await readBytes(path, { code: 'TP_DATA', mostBytes: MOST_BYTES })
  return decodeText(path, unzipped(path, bytes, MOST_BYTES))
}
