import { createHash } from 'node:crypto'
import { dirname, join } from 'node:path'
import { isPacked } from '@tp/compiler'
import { TpError } from '@tp/core'
import type { AnswerForm } from '@tp/core/runtime'
import { type ModelFile, type ModelFolder, modelFolderFiles, readModel, readModelFolder } from '@tp/data'
import { modelOf } from '@tp/data/folders'
import { answerHead } from '@tp/data/outputs'
import { batchNotes, type HashedFile } from '@tp/plans'
import { hashOfFile } from '../input/hash-of-file.ts'

/** Where the files are that answer. */
export interface ModelPaths {
  /** An ONNX file, or its folder. */
  readonly model: string
  /** tokenizer.json, if it is not next to the model. */
  readonly tokenizer?: string | undefined
  /** The dense model, where answers may fall back to it. */
  readonly dense?: string | undefined
}

/** The files that a model's answers depend on, besides its inputs. */
export interface HashedModel {
  readonly model: HashedFile
  readonly dense: HashedFile | undefined
  /** SHA-256 over the models, their data files, and the tokenizer and configuration next to the first. */
  readonly hash: string
  /** Only `@tp/runtime-native` runs it. */
  readonly isPacked: boolean
  readonly folder: ModelFolder & { readonly tokenizer: string }
  /** The form of its answers; undefined where its graph does not say it. */
  readonly answerForm: AnswerForm | undefined
  /** Facts about the answers that a user should know. */
  readonly notes: readonly string[]
}

/**
 * Reads what lies next to a model, and makes one hash of it.
 * @throws TpError TP_FILE_NOT_FOUND, TP_TOKENIZER, those of `decodeModel`
 */
export async function readModelFiles({
  model: place,
  tokenizer: tokenizerPath,
  dense: densePath,
}: ModelPaths): Promise<HashedModel> {
  const path = await modelOf(place)
  const model = await readModel(path)
  const dense = densePath === undefined ? undefined : await readModel(await modelOf(densePath))
  const folder = await readModelFolder(path)
  const tokenizer = tokenizerPath ?? folder.tokenizer
  if (tokenizer === undefined) throw noTokenizer(path)
  const parts = await hashesOf(model)
  // Files by what they are to the model, not by their paths: a copy elsewhere has the same hash.
  for (const [name, file] of await modelFolderFiles(path))
    if (name !== 'tokenizer.json') parts.push(name, await hashOfFile(file))
  parts.push(await hashOfFile(tokenizer), ...(dense === undefined ? [] : await hashesOf(dense)))
  return {
    model: { path, hash: model.hash() },
    dense: dense && { path: dense.path, hash: dense.hash() },
    hash: createHash('sha256').update(parts.join('\n')).digest('hex'),
    isPacked: isPacked(model.model),
    folder: { ...folder, tokenizer },
    answerForm: answerHead(model.model)?.form,
    notes: batchNotes(model.model, ...(dense === undefined ? [] : [dense.model])),
  }
}

function noTokenizer(path: string): TpError {
  const advice = 'rows are texts, so give its path; for a model of images or recordings there is tp eval'
  return new TpError('TP_TOKENIZER', 'bulk', `no tokenizer.json is next to ${path}; ${advice}`)
}

async function hashesOf({ path, hash, dataFiles }: ModelFile): Promise<string[]> {
  const own = dataFiles.toSorted().map(async (name) => [name, await hashOfFile(join(dirname(path), name))])
  return [hash(), ...(await Promise.all(own)).flat()]
}
