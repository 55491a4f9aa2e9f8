import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isTpError, TpError } from '@tp/core'
import { type AbortSignalLike, throwIfAborted } from '@tp/core/runtime'
import { decodeModel, type Model, startsLikeModel } from '@tp/onnx'
import { interruptible } from '../command/endable.ts'
import type { FileClaims } from '../files/file-claims.ts'
import { LARGEST, readInput } from '../files/read-input.ts'
import { checkDataFiles, readPart } from './external-data.ts'

/** A model as it lies on disk. */
export interface ModelFile {
  readonly path: string
  readonly model: Model
  /** Size of the file, without its data files. */
  readonly bytes: number
  /** Paths of the data files that hold weights, relative to the model's folder. */
  readonly dataFiles: readonly string[]
  /** SHA-256 of the file. */
  readonly hash: () => string
}

export interface ReadOptions {
  readonly signal?: AbortSignalLike
  /** Told which files are read. */
  readonly files?: Pick<FileClaims, 'readsModel'>
}

/**
 * Reads an ONNX file and makes sure that the data files it names are there; their contents are not read.
 * @throws TpError TP_FILE_NOT_FOUND, TP_TOO_LARGE, TP_NOT_ONNX, TP_TRUNCATED, TP_EXTERNAL, TP_EXTERNAL_DATA,
 *   TP_EXTERNAL_PATH, TP_ABORTED
 */
export async function readModelFile(path: string, { signal, files }: ReadOptions = {}): Promise<ModelFile> {
  const bytes = await readBytes(path)
  throwIfAborted(signal, 'tp')
  const folder = dirname(path)
  const model = await naming(path, () =>
    interruptible(() => decodeModel(bytes, { external: (...part) => readPart(folder, ...part) })),
  )
  const dataFiles = await naming(path, () => checkDataFiles(path, model))
  await files?.readsModel(path, dataFiles)
  const hash = (): string => createHash('sha256').update(bytes).digest('hex')
  return { path, model, bytes: bytes.length, dataFiles, hash }
}

/** @throws TpError TP_FILE_NOT_FOUND if there is nothing at the path, or a folder; TP_TOO_LARGE */
export async function requireModelFile(path: string): Promise<void> {
  const entry = await stat(path).catch((cause: unknown) => {
    throw new TpError('TP_FILE_NOT_FOUND', 'tp', `there is no file that can be read at ${path}`, { cause })
  })
  if (entry.isDirectory()) {
    throw new TpError('TP_FILE_NOT_FOUND', 'tp', `${path} is a folder; give the .onnx file in it`)
  }
  if (entry.size > LARGEST) {
    const seen = `${path} has ${(entry.size / 2 ** 30).toFixed(1)} GiB, and an ONNX file ends at 2 GiB`
    throw new TpError('TP_TOO_LARGE', 'tp', `${seen}; save the model with its weights as external data`)
  }
}

async function readBytes(path: string): Promise<Uint8Array> {
  await requireModelFile(path)
  return readInput(path, {
    code: 'TP_FILE_NOT_FOUND',
    advice: 'give the path of an .onnx file',
    begins(head) {
      if (startsLikeModel(head)) return
      throw new TpError('TP_NOT_ONNX', 'tp', `${path} is not an ONNX file; give the path of an .onnx file`)
    },
  })
}

/** Bytes of a model, with its data files. */
export async function sizeOfFiles({ path, bytes, dataFiles }: ModelFile): Promise<number> {
  const entries = await Promise.all(dataFiles.map((location) => stat(join(dirname(path), location))))
  return entries.reduce((sum, { size }) => sum + size, bytes)
}

/** Runs a step that does not know the file's name, and puts it into the errors. */
async function naming<T>(path: string, step: () => T | Promise<T>): Promise<T> {
  try {
    return await step()
  } catch (error) {
    if (!isTpError(error)) throw error
    const message = error.message.replace(`[${error.where}] `, '')
    // Said with its whole path already.
    if (error.where === 'tp') throw error
    throw new TpError(error.code as `TP_${string}`, error.where, `${basename(path)}: ${message}`, { cause: error })
  }
}
