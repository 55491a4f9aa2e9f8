// Weights that a model keeps in other files. onnxruntime maps them into memory: a program that writes to such a file changes the answers of
// a session, and one that truncates it ends the process by SIGBUS. So they are read before, and given to onnxruntime as bytes.

import { constants as bufferLimits } from 'node:buffer'
import { constants } from 'node:fs'
import { type FileHandle, open, readFile, realpath, stat } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { isTpError, TpError } from '@tp/core'
import { decodeModel, externalTensors, type Model } from '@tp/onnx'

/** A file of weights. */
export interface DataFile {
  /** As the model names it. */
  readonly location: string
  readonly path: string
}

/** Where protobuf ends; onnxruntime refuses a larger file itself. */
const LARGEST_MODEL = 2 ** 31 - 1
const CHUNK = 2 ** 30

/** A model before a runtime sees it. */
export interface SourceFile {
  /** Undefined for other files: onnxruntime refuses them itself, or reads them as its own format. */
  readonly model: Model | undefined
  readonly dataFiles: readonly DataFile[]
}

/**
 * Reads a model, and looks for its data files.
 * @throws TpError TP_EXTERNAL; TP_EXTERNAL_DATA for a file that is missing; TP_EXTERNAL_PATH for one outside the folder of the model;
 *   TP_ATTRIBUTE for a model that would end the process
 */
export async function readSource(where: string, source: Uint8Array | string): Promise<SourceFile> {
  if (typeof source !== 'string') return sourceInBytes(source)
  const model = await decodedFile(source)
  if (model === undefined) return { model, dataFiles: [] }
  const locations = new Set(externalTensors(model).map(({ location }) => location))
  const dataFiles = [...locations].map((location) => ({ location, path: join(dirname(source), location) }))
  for (const { path } of dataFiles) await requireInside(where, source, path)
  return { model, dataFiles }
}

/** The same of a model in bytes, which has no folder; before anything else can change the bytes. */
export function sourceInBytes(bytes: Uint8Array): SourceFile {
  return { model: decoded(bytes), dataFiles: [] }
}

async function decodedFile(path: string): Promise<Model | undefined> {
  const bytes = await stat(path)
    .then(({ size }) => (size > LARGEST_MODEL ? undefined : readFile(path)))
    .catch(() => undefined)
  return bytes && decoded(bytes)
}

function decoded(bytes: Uint8Array): Model | undefined {
  try {
    return decodeModel(bytes)
  } catch (error) {
    if (isTpError(error) && !UNREADABLE.has(error.code)) throw error
    return undefined
  }
}

const UNREADABLE = new Set(['TP_NOT_ONNX', 'TP_TRUNCATED', 'TP_TOO_COMPLEX'])

/** As onnxruntime demands of the files that it opens itself. */
async function requireInside(where: string, model: string, path: string): Promise<void> {
  const real = await realpath(path).catch((cause: Error) => {
    throw unreadable(where, path, cause)
  })
  const folders = [await realpath(dirname(model)), dirname(await realpath(model))]
  if (folders.some((folder) => real.startsWith(folder.endsWith(sep) ? folder : folder + sep))) return
  const seen = `${path} is a link that leads out of the folder of the model, to ${real}`
  throw new TpError('TP_EXTERNAL_PATH', where, `${seen}; put the file itself there if it holds the weights`)
}

/** The bytes of a data file. @throws TpError TP_EXTERNAL_DATA if it cannot be read, TP_TOO_LARGE */
export async function readDataFile(where: string, { path }: DataFile): Promise<Uint8Array> {
  try {
    // A pipe without a writer must not be waited for.
    await using file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    const entry = await file.stat()
    if (!entry.isFile()) throw new Error('it is not a regular file')
    if (entry.size > bufferLimits.MAX_LENGTH) throw tooLarge(where, path, entry.size)
    return await readAll(file, entry.size)
  } catch (cause) {
    throw isTpError(cause) ? cause : unreadable(where, path, cause as Error)
  }
}

function unreadable(where: string, path: string, cause: Error): TpError {
  const advice = 'the weights of the model are in it: put the whole file into the folder of the model'
  return new TpError('TP_EXTERNAL_DATA', where, `${path} cannot be read: ${cause.message}; ${advice}`, { cause })
}

async function readAll(file: FileHandle, size: number): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(size)
  for (let at = 0; at < size; ) {
    const { bytesRead } = await file.read(bytes, at, Math.min(CHUNK, size - at), at)
    if (bytesRead === 0) throw new Error('it became shorter while it was read')
    at += bytesRead
  }
  return bytes
}

function tooLarge(where: string, path: string, size: number): TpError {
  const [has, most] = [size, bufferLimits.MAX_LENGTH].map((bytes) => `${(bytes / 2 ** 30).toFixed(1)} GiB`)
  const advice = `this version of Node holds ${most} at once; use a newer one, or @tp/runtime-native`
  return new TpError('TP_TOO_LARGE', where, `${path} has ${has}; ${advice}`)
}
