import { createHash } from 'node:crypto'
import { isPacked } from '@tp/compiler'
import { TpError } from '@tp/core'
import type { AnswerForm } from '@tp/core/runtime'
import { hashesOfFiles, type ModelFolder, modelFolderFiles, readModel, readModelFolder } from '@tp/data'
import { hashOfFile } from '@tp/data/files'
import { modelOf } from '@tp/data/folders'
import { answerHead } from '@tp/data/outputs'
import { batchNotes, type HashedFile } from '@tp/plans'

/** Where the files are that answer. */
export interface ModelPaths {
  /** An ONNX file, or its folder. */
  readonly model: string
  /** tokenizer.json, if it is not next to the model. */
  readonly tokenizer?: string | undefined
  /** The dense model, where answers may fall back to it. */
  readonly dense?: string | undefined
}

/** The files that a model's answers depend on, nextToIts its inputs. */
export interface HashedModel {
  readonly model: HashedFile
  readonly dense: HashedFile | undefined
  /** SHA-256 over the models, their data files, and the tokenizer and configuration next to the first. */
  readonly hash: string
  /** @throws TpError TP_CHANGED if one of them is another than when it was hashed */
  readonly requireUnchanged: () => Promise<void>
  /** Its batches compute no padding. */
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
  // Files by what they are to the model, not by their paths: a copy elsewhere has the same hash.
  const sideFiles = async (): Promise<string> => {
    const parts: string[] = []
    for (const [name, file] of await modelFolderFiles(path))
      if (name !== 'tokenizer.json') parts.push(name, await hashOfFile(file))
    return [...parts, await hashOfFile(tokenizer)].join('\n')
  }
  const nextToIt = await sideFiles()
  const parts = [...(await hashesOfFiles(model)), nextToIt, ...(dense === undefined ? [] : await hashesOfFiles(dense))]
  // A recipe may be known by the name of the file or folder, which is in no file.
  if (folder.pooling?.knownAs !== undefined) parts.push(folder.pooling.of)
  const unchanged = [model, ...(dense === undefined ? [] : [dense])].map((file) => file.requireUnchanged)
  return {
    model: { path, hash: model.hash() },
    dense: dense && { path: dense.path, hash: dense.hash() },
    hash: createHash('sha256').update(parts.join('\n')).digest('hex'),
    async requireUnchanged() {
      for (const require of unchanged) await require()
      if ((await sideFiles()) !== nextToIt) throw changedError(path)
    },
    isPacked: isPacked(model.model),
    folder: { ...folder, tokenizer },
    answerForm: answerHead(model.model)?.form,
    notes: batchNotes(model.model, ...(dense === undefined ? [] : [dense.model])),
  }
}

/** The error of a run whose model is another than when it began. */
export function changedError(path: string): TpError {
  const seen = `${path} or a file next to it has changed since the run began`
  return new TpError('TP_CHANGED', 'bulk', `${seen}; run it again`)
}

function noTokenizer(path: string): TpError {
  const advice = 'rows are texts, so give its path; for a model of images or recordings there is tp eval'
  return new TpError('TP_TOKENIZER', 'bulk', `no tokenizer.json is next to ${path}; ${advice}`)
}
