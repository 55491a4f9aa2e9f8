import { extname } from 'node:path'
import { TpError } from '@tp/core'
import { jsonLines } from './json-lines.ts'
import { npy } from './npy.ts'
import type { OutputFormat } from './output-format.ts'
import { parquet } from './parquet.ts'

export type OutputName = 'jsonl' | 'npy' | 'parquet'

export const outputFormats: Readonly<Record<OutputName, OutputFormat>> = { jsonl: jsonLines, npy, parquet }

const extensions: Readonly<Record<string, OutputName>> = {
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.npy': 'npy',
  '.parquet': 'parquet',
}

/** The format that the name of an output asks for. @throws TpError TP_OUTPUT */
export function outputNameOf(path: string): OutputName {
  const format = extensions[extname(path).toLowerCase()]
  if (format !== undefined) return format
  const known = Object.keys(extensions).join(', ')
  throw new TpError('TP_OUTPUT', 'bulk', `${path}: its name does not say what to write; it has to end in ${known}`)
}
