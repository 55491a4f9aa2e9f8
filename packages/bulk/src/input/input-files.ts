import { readdir, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { dataError } from './data-error.ts'

/** How a file holds its rows: `text` has one a line. */
export type InputFormat = 'jsonl' | 'csv' | 'tsv' | 'text' | 'parquet'

export interface InputFile {
  readonly path: string
  readonly format: InputFormat
}

const formats: Readonly<Record<string, InputFormat>> = {
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.csv': 'csv',
  '.tsv': 'tsv',
  '.txt': 'text',
  '.parquet': 'parquet',
}
const KINDS = Object.keys(formats).join(', ')

/**
 * A file, or all files of a folder and the folders in it, ordered by their names; hidden ones do not count as data.
 * @throws TpError TP_DATA if there is nothing that can be read, or what can be read is of several formats
 */
export async function inputFiles(path: string): Promise<InputFile[]> {
  const entry = await stat(path).catch((cause: unknown) => {
    throw dataError(path, 'there is no such file or folder', cause)
  })
  if (!entry.isDirectory()) {
    if (!entry.isFile()) throw dataError(path, 'is not a regular file; put what it gives into one')
    const format = formatOf(path)
    if (format !== undefined) return [{ path, format }]
    throw dataError(path, `its name does not say how it holds texts; ${adviceFor(path)}`)
  }
  const names = (await readdir(path, { recursive: true, withFileTypes: true }))
    .filter((file) => file.isFile())
    .map((file) => join(file.parentPath, file.name))
    .filter(
      (file) =>
        !file
          .slice(path.length)
          .split(/[\\/]/)
          .some((part) => part.startsWith('.')),
    )
  // Code units, not a locale: rows are numbered in this order on every machine.
  const files = names
    .sort((a, b) => (a < b ? -1 : 1))
    .flatMap((file) => {
      const format = formatOf(file)
      return format === undefined ? [] : [{ path: file, format }]
    })
  const found = [...new Set(files.map(({ format }) => format))]
  if (found.length === 0) throw dataError(path, `holds no file that can be read (${KINDS})`)
  if (found.length > 1)
    throw dataError(path, `holds files of several formats (${found.join(', ')}); give a folder with one`)
  return files
}

function formatOf(path: string): InputFormat | undefined {
  return formats[extname(path).toLowerCase()]
}

/** Rows are read from the middle of a file, which neither compressed files nor lists of JSON allow. */
function adviceFor(path: string): string {
  const ending = extname(path).toLowerCase()
  if (ending === '.gz') return 'unzip it first (gunzip -k FILE), since parts of it are read at once'
  if (ending === '.json')
    return "bring a list to JSON lines first (jq -c '.[]' FILE > FILE.jsonl), since parts of it are read at once"
  return `it has to end in ${KINDS}`
}
