import { stat } from 'node:fs/promises'
import { basename, extname, resolve } from 'node:path'
import { skippedNotes, walkFolder } from '@tp/data/files'
import { isShardName } from '../shards/shard-name.ts'
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

/** The data of a run. */
export interface InputFiles {
  readonly files: readonly InputFile[]
  /** Sentences on entries of a folder that are not read. */
  readonly notes: readonly string[]
}

/**
 * A file, or all files of a folder and the folders in it, ordered by their names; hidden ones do not count as data, and shards are not data.
 * @param shards where those of the run are
 * @throws TpError TP_DATA if there is nothing that can be read, or what can be read is of several formats
 */
export async function inputFiles(path: string, shards?: string): Promise<InputFiles> {
  const entry = await stat(path).catch((cause: unknown) => {
    throw dataError(path, 'there is no such file or folder', cause)
  })
  if (!entry.isDirectory()) {
    if (!entry.isFile()) throw dataError(path, 'is not a regular file; put what it gives into one')
    const format = formatOf(path)
    if (format !== undefined) return { files: [{ path, format }], notes: [] }
    throw dataError(path, `its name does not say how it holds texts; ${adviceFor(path)}`)
  }
  const own = shards && resolve(shards)
  const walked = await walkFolder(path, { except: (file) => resolve(file) === own || isShardName(basename(file)) })
  const files = walked.files.flatMap((file) => {
    const format = formatOf(file)
    return format === undefined ? [] : [{ path: file, format }]
  })
  const found = [...new Set(files.map(({ format }) => format))]
  if (found.length === 0) throw dataError(path, `holds no file that can be read (${KINDS})`)
  if (found.length > 1)
    throw dataError(path, `holds files of several formats (${found.join(', ')}); give a folder with one`)
  return { files, notes: skippedNotes(path, walked.skipped) }
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
