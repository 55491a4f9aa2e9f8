import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type AbortSignalLike, isTpError, TpError, throwIfAborted } from '@tp/core'
import { decodeModel, externalTensors, type Model } from '@tp/onnx'

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

/** protobuf lengths, and what Node reads at once, end here. */
const LARGEST = 2 ** 31 - 1

/**
 * Reads an ONNX file and makes sure that the data files it names are there; their contents are not read.
 * @throws TpError TP_FILE_NOT_FOUND, TP_TOO_LARGE, TP_NOT_ONNX, TP_TRUNCATED, TP_EXTERNAL, TP_EXTERNAL_DATA,
 *   TP_EXTERNAL_PATH, TP_ABORTED
 */
export async function readModelFile(path: string, signal?: AbortSignalLike): Promise<ModelFile> {
  const bytes = await readBytes(path)
  throwIfAborted(signal, 'tp')
  const folder = dirname(path)
  const model = naming(path, () => decodeModel(bytes, { external: (...part) => readPart(folder, ...part) }))
  const dataFiles = await checkDataFiles(path, model)
  const hash = (): string => createHash('sha256').update(bytes).digest('hex')
  return { path, model, bytes: bytes.length, dataFiles, hash }
}

async function readBytes(path: string): Promise<Uint8Array> {
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
  try {
    return await readFile(path)
  } catch (cause) {
    throw new TpError('TP_FILE_NOT_FOUND', 'tp', `${path} cannot be read: ${(cause as Error).message}`, { cause })
  }
}

async function checkDataFiles(path: string, model: Model): Promise<string[]> {
  /** End of the last tensor in each data file. */
  const ends = new Map<string, number>()
  for (const { location, offset, length } of naming(path, () => externalTensors(model))) {
    ends.set(location, Math.max(ends.get(location) ?? 0, offset + (length ?? 0)))
  }
  for (const [location, end] of ends) {
    const entry = await stat(join(dirname(path), location)).catch(() => undefined)
    const problem = !entry?.isFile()
      ? 'is missing'
      : entry.size < end
        ? `has ${entry.size} bytes where at least ${end} are needed`
        : undefined
    if (problem === undefined) continue
    const advice = `the weights of ${basename(path)} are in it: put the whole file into the model's folder`
    throw new TpError('TP_EXTERNAL_DATA', 'tp', `${join(dirname(path), location)} ${problem}; ${advice}`)
  }
  return [...ends.keys()]
}

/** Bytes of a model, with its data files. */
export async function sizeOfFiles({ path, bytes, dataFiles }: ModelFile): Promise<number> {
  const entries = await Promise.all(dataFiles.map((location) => stat(join(dirname(path), location))))
  return entries.reduce((sum, { size }) => sum + size, bytes)
}

function readPart(folder: string, location: string, offset: number, length: number): Uint8Array {
  const path = join(folder, location)
  const file = openSync(path, 'r')
  try {
    const bytes = new Uint8Array(length)
    const read = readSync(file, bytes, 0, length, offset)
    if (read === length) return bytes
    throw new TpError('TP_EXTERNAL_DATA', 'tp', `${path} ends before byte ${offset + length}; copy it again`)
  } finally {
    closeSync(file)
  }
}

/** Runs a step that does not know the file's name, and puts it into the errors. */
function naming<T>(path: string, step: () => T): T {
  try {
    return step()
  } catch (error) {
    if (!isTpError(error)) throw error
    const message = error.message.replace(`[${error.where}] `, '')
    throw new TpError(error.code as `TP_${string}`, error.where, `${basename(path)}: ${message}`, { cause: error })
  }
}
