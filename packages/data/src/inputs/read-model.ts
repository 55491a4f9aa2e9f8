import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isTpError, TpError } from '@tp/core'
import { decodeModel, externalTensors, type Model } from '@tp/onnx'
import { readBytes } from '../read-bytes.ts'

/** An ONNX file that was read. */
export interface ReadModel {
  readonly path: string
  /** SHA-256 of the file. */
  readonly hash: string
  readonly bytes: Uint8Array
  readonly model: Model
  /** Paths of the files that hold weights, relative to the model's folder. */
  readonly dataFiles: readonly string[]
}

/** Where protobuf lengths end. */
const LARGEST = 2 ** 31 - 1

/**
 * Reads an ONNX file that nobody has looked at, before a runtime does.
 * @throws TpError TP_FILE_NOT_FOUND; TP_NOT_ONNX, TP_TRUNCATED; TP_EXTERNAL, TP_EXTERNAL_PATH for weights outside its folder;
 *   TP_EXTERNAL_DATA for a data file that is missing, a folder or a pipe
 */
export async function readModel(path: string): Promise<ReadModel> {
  const limits = { code: 'TP_FILE_NOT_FOUND', mostBytes: LARGEST } as const
  const bytes = await readBytes(path, { ...limits, advice: 'give the path of an .onnx file' })
  try {
    const model = decodeModel(bytes)
    const dataFiles = [...new Set(externalTensors(model).map(({ location }) => location))]
    for (const location of dataFiles) await requireFile(path, join(dirname(path), location))
    return { path, bytes, model, dataFiles, hash: createHash('sha256').update(bytes).digest('hex') }
  } catch (cause) {
    if (!isTpError(cause) || cause.message.includes(path)) throw cause
    const message = cause.message.replace(`[${cause.where}] `, '')
    throw new TpError(cause.code as `TP_${string}`, cause.where, `${path}: ${message}`, { cause })
  }
}

/** A runtime would wait for a pipe. */
async function requireFile(model: string, path: string): Promise<void> {
  const entry = await stat(path).catch(() => undefined)
  if (entry?.isFile()) return
  const seen = `${path} is ${entry === undefined ? 'missing' : 'not a regular file'}`
  throw new TpError('TP_EXTERNAL_DATA', 'data', `${seen}; the weights of ${model} are in it: put the whole file there`)
}
