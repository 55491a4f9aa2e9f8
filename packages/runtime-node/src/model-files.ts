// Checks of files and names that runtimes in Node share.

import { statSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { TpError } from '@tp/core'
import { packedFileError } from '@tp/core/runtime'

export { type DataFile, readSource, type SourceFile, sourceInBytes } from './data-files.ts'
export { libraryFiles } from './ort.ts'
export { requireWholeLibrary } from './whole-library.ts'

/** @throws TpError TP_FILE_NOT_FOUND, TP_MODEL_LOAD if there is no file at the path */
export async function checkFile(where: string, path: string): Promise<void> {
  try {
    if ((await stat(path)).isFile()) return
  } catch (cause) {
    throw new TpError('TP_FILE_NOT_FOUND', where, `there is no file that can be read at ${path}`, { cause })
  }
  throw new TpError('TP_MODEL_LOAD', where, `${path} is not a file; give the path of the .onnx file`)
}

/** A model of this many bytes or fewer has too little work in an operator to share. */
const SMALL_MODEL = 2 ** 20

/**
 * Threads of a session for which the caller names none: 1 for a small model in one file, for which a pool of threads that wait in a loop
 * takes several times the processor time and saves none; undefined leaves the choice to onnxruntime, which takes all cores.
 */
export function threadsFor(model: Uint8Array | string, dataFiles: number): number | undefined {
  if (dataFiles > 0) return undefined
  const size = typeof model === 'string' ? statSync(model).size : model.byteLength
  return size <= SMALL_MODEL ? 1 : undefined
}

/** The error of onnxruntime when it cannot load a model, with a code and advice. */
export function loadError(where: string, cause: unknown): TpError {
  if (cause instanceof TpError) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  if (/external (data|initializer)/i.test(reason)) {
    const advice =
      'A model with external data is loaded by its path, with the data files next to it under the names it was saved ' +
      'with, inside its own folder'
    return new TpError('TP_EXTERNAL_DATA', where, `${advice}. onnxruntime says: ${reason}`, { cause })
  }
  const packed = packedFileError(where, reason, cause)
  if (packed !== undefined) return packed
  if (/protobuf parsing failed|data pointer is null/i.test(reason)) {
    return new TpError('TP_MODEL_LOAD', where, 'this is not an ONNX model, or it is cut short', { cause })
  }
  return new TpError('TP_MODEL_LOAD', where, `onnxruntime refuses the model: ${reason}`, { cause })
}
