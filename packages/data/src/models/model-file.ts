import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isTpError, TpError } from '@tp/core'
import { bareMessage } from '@tp/core/host'
import { type AbortSignalLike, throwIfAborted } from '@tp/core/runtime'
import { decodeModel, type Model, startsLikeModel } from '@tp/onnx'
import { hashOfFile } from '../files/hash-of-file.ts'
import { LARGEST } from '../files/read-open-file.ts'
import { stateOf } from '../files/same-file.ts'
import { readBytes } from '../read-bytes.ts'
import { checkDataFiles, readPart } from './external-data.ts'

/** A model as it lies on disk. */
export interface ModelFile {
  readonly path: string
  readonly model: Model
  /** Of the file, without its data files. */
  readonly contents: Uint8Array
  /** Paths of the data files that hold weights, relative to the model's folder. */
  readonly dataFiles: readonly string[]
  /** SHA-256 of the file. */
  readonly hash: () => string
  /** @throws TpError TP_CHANGED if the file, or one of its data files, is another than when it was read */
  readonly requireUnchanged: () => Promise<void>
}

export interface ReadModelOptions {
  /** The package that errors name; default `data`. */
  readonly where?: string | undefined
  readonly signal?: AbortSignalLike | undefined
  /** Runs the decoding, which blocks the event loop; by default it is called. */
  readonly compute?: ((decode: () => Model) => Model) | undefined
}

/**
 * Reads an ONNX file, before a runtime does, and makes sure that the data files it names are there, whole and in its own folder; of their
 * contents only small constants are read.
 * @throws TpError TP_FILE_NOT_FOUND, TP_TOO_LARGE, TP_NOT_ONNX, TP_TRUNCATED, TP_EXTERNAL, TP_EXTERNAL_DATA,
 *   TP_EXTERNAL_PATH, TP_ABORTED
 */
export async function readModel(
  path: string,
  { where = 'data', signal, compute = (decode) => decode() }: ReadModelOptions = {},
): Promise<ModelFile> {
  await requireModelFile(path, where)
  const before = await stateOf(path)
  const contents = await readBytes(path, {
    ...{ code: 'TP_FILE_NOT_FOUND', mostBytes: LARGEST, advice: 'give the path of an .onnx file' },
    begins(head) {
      if (startsLikeModel(head)) return
      throw new TpError('TP_NOT_ONNX', where, `${path} is not an ONNX file; give the path of an .onnx file`)
    },
  })
  throwIfAborted(signal, where)
  const folder = dirname(path)
  const external = (location: string, offset: number, length: number): Uint8Array =>
    readPart(where, folder, location, offset, length)
  const model = await naming(path, where, () => compute(() => decodeModel(contents, { external })))
  const dataFiles = await naming(path, where, () => checkDataFiles(where, path, model))
  const states = new Map([[path, before]])
  for (const location of dataFiles) states.set(join(folder, location), await stateOf(join(folder, location)))
  return {
    ...{ path, model, contents, dataFiles },
    hash: () => createHash('sha256').update(contents).digest('hex'),
    requireUnchanged: () => requireStates(where, states),
  }
}

async function requireStates(where: string, states: ReadonlyMap<string, string | undefined>): Promise<void> {
  for (const [path, before] of states) {
    const now = await stateOf(path)
    if (now === before) continue
    const seen = `${path} ${now === undefined ? 'is not there any more' : 'was written to'} since it was read`
    throw new TpError('TP_CHANGED', where, `${seen}; run the command again once the model is complete`)
  }
}

/**
 * @param where the package that errors name
 * @throws TpError TP_FILE_NOT_FOUND if there is nothing at the path, or a folder; TP_TOO_LARGE
 */
export async function requireModelFile(path: string, where = 'data'): Promise<void> {
  const entry = await stat(path).catch((cause: unknown) => {
    throw new TpError('TP_FILE_NOT_FOUND', where, `there is no file that can be read at ${path}`, { cause })
  })
  if (entry.isDirectory()) {
    throw new TpError('TP_FILE_NOT_FOUND', where, `${path} is a folder; give the .onnx file in it`)
  }
  if (entry.size > LARGEST) {
    const seen = `${path} has ${(entry.size / 2 ** 30).toFixed(1)} GiB, and an ONNX file ends at 2 GiB`
    throw new TpError('TP_TOO_LARGE', where, `${seen}; save the model with its weights as external data`)
  }
}

/** Bytes of a model, with its data files. */
export async function sizeOfFiles({ path, contents, dataFiles }: ModelFile): Promise<number> {
  const entries = await Promise.all(dataFiles.map((location) => stat(join(dirname(path), location))))
  return entries.reduce((sum, { size }) => sum + size, contents.length)
}

/** SHA-256 of the file, then the name and SHA-256 of each of its data files. */
export async function hashesOfFiles({ path, hash, dataFiles }: ModelFile): Promise<string[]> {
  const own = dataFiles.toSorted().map(async (name) => [name, await hashOfFile(join(dirname(path), name))])
  return [hash(), ...(await Promise.all(own)).flat()]
}

/** Runs a step that does not know the file's name, and puts it into the errors. */
async function naming<T>(path: string, where: string, step: () => T | Promise<T>): Promise<T> {
  try {
    return await step()
  } catch (error) {
    // Of this module: they have the whole path already.
    if (!isTpError(error) || error.where === where) throw error
    const message = bareMessage(error)
    throw new TpError(error.code as `TP_${string}`, error.where, `${basename(path)}: ${message}`, { cause: error })
  }
}
