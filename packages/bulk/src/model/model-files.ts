import { createHash } from 'node:crypto'
import { basename, dirname, join } from 'node:path'
import { isPacked } from '@tp/compiler'
import { TpError } from '@tp/core'
import {
  type ModelFolder,
  modelFolderFiles,
  type Pooling,
  poolingFiles,
  readModelBytes,
  readModelFolder,
  readPooling,
} from '@tp/eval'
import { decodeModel, externalTensors, type Model } from '@tp/onnx'
import type { HashedFile } from '@tp/tune'
import { hashOfFile } from '../input/hash-of-file.ts'

/** Where the files are that answer. */
export interface ModelPaths {
  readonly model: string
  /** tokenizer.json, if it is not next to the model. */
  readonly tokenizer?: string | undefined
  /** The dense model, where answers may fall back to it. */
  readonly dense?: string | undefined
}

/** What a model's answers depend on, besides its inputs. */
export interface ModelFiles {
  readonly model: HashedFile
  readonly dense: HashedFile | undefined
  /** SHA-256 over the models, their data files, and the tokenizer and configuration next to the first. */
  readonly hash: string
  /** Only `@tp/runtime-native` runs it. */
  readonly isPacked: boolean
  readonly folder: ModelFolder & { readonly tokenizer: string }
  readonly pooling: Pooling
}

/**
 * Reads what lies next to a model, and makes one hash of it.
 * @throws TpError TP_FILE_NOT_FOUND, TP_TOKENIZER, those of `decodeModel`
 */
export async function readModelFiles({
  model: path,
  tokenizer: asked,
  dense: densePath,
}: ModelPaths): Promise<ModelFiles> {
  const { file: model, content, parts } = await readModel(path)
  const dense = densePath === undefined ? undefined : await readModel(densePath)
  const [folder, pooling] = await Promise.all([readModelFolder(path), readPooling(path)])
  const tokenizer = asked ?? folder.tokenizer
  if (tokenizer === undefined)
    throw new TpError('TP_TOKENIZER', 'bulk', `no tokenizer.json is next to ${path}; give its path`)
  // Files by what they are to the model, not by their paths: a copy elsewhere has the same hash.
  const others = [...modelFolderFiles(path), ...poolingFiles(path)].filter(
    (file) => basename(file) !== 'tokenizer.json',
  )
  for (const file of others) parts.push(basename(file), await hashOfFile(file).catch(() => ''))
  parts.push(await hashOfFile(tokenizer), ...(dense?.parts ?? []))
  return {
    model,
    dense: dense?.file,
    hash: createHash('sha256').update(parts.join('\n')).digest('hex'),
    isPacked: isPacked(content),
    folder: { ...folder, tokenizer },
    pooling,
  }
}

async function readModel(path: string): Promise<{ file: HashedFile; content: Model; parts: string[] }> {
  const bytes = await readModelBytes(path)
  const content = decodeModel(bytes)
  const hash = createHash('sha256').update(bytes).digest('hex')
  const parts = [hash]
  const data = new Set(externalTensors(content).map(({ location }) => location))
  for (const location of [...data].sort()) parts.push(location, await hashOfFile(join(dirname(path), location)))
  return { file: { path, hash }, content, parts }
}
