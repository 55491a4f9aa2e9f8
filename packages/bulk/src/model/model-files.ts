import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { TpError } from '@tp/core'
import { modelFolderFiles, type Pooling, poolingFiles, readModelFolder, readPooling } from '@tp/eval'
import { decodeModel, externalTensors, metadata } from '@tp/onnx'
import { hashOfFile } from '../input/parquet-input.ts'

/** What a model's answers depend on, besides its inputs. */
export interface ModelFiles {
  readonly path: string
  /** SHA-256 over the model, its data files, and the tokenizer and configuration next to it. */
  readonly hash: string
  /** Only `@tp/runtime-native` runs it. */
  readonly isPacked: boolean
  readonly folder: Awaited<ReturnType<typeof readModelFolder>>
  readonly pooling: Pooling
}

/**
 * Reads what lies next to a model, and makes one hash of it.
 * @param tokenizer path of tokenizer.json, if it is not next to the model
 * @throws TpError TP_FILE_NOT_FOUND, TP_TOKENIZER, those of `decodeModel`
 */
export async function readModelFiles(path: string, tokenizer?: string): Promise<ModelFiles> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new TpError('TP_FILE_NOT_FOUND', 'bulk', `there is no file that can be read at ${path}`, { cause })
  })
  const [folder, pooling] = await Promise.all([readModelFolder(path), readPooling(path)])
  const own = tokenizer ?? folder.tokenizer
  if (own === undefined)
    throw new TpError('TP_TOKENIZER', 'bulk', `no tokenizer.json is next to ${path}; give its path`)
  const model = decodeModel(bytes)
  const data = new Set(externalTensors(model).map(({ location }) => location))
  // Files by what they are to the model, not by their paths: a copy elsewhere has the same hash.
  const parts = [createHash('sha256').update(bytes).digest('hex')]
  for (const location of [...data].sort()) parts.push(location, await hashOfFile(join(dirname(path), location)))
  for (const file of [...modelFolderFiles(path), ...poolingFiles(path)].filter(
    (name) => basename(name) !== 'tokenizer.json',
  ))
    parts.push(basename(file), await hashOfFile(file).catch(() => ''))
  parts.push(await hashOfFile(own))
  return {
    path,
    hash: createHash('sha256').update(parts.join('\n')).digest('hex'),
    isPacked: metadata(model).get('tp.packed') !== undefined,
    folder: { ...folder, tokenizer: own },
    pooling,
  }
}
