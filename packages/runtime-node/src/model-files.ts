// Checks of files and names that runtimes in Node share.

import { stat } from 'node:fs/promises'
import { TpError } from '@tp/core'
import { packedFileError } from '@tp/core/runtime'

export { type DataFile, readSource, type SourceFile, sourceInBytes } from './data-files.ts'
export { libraryFiles } from './ort.ts'
export { type ProfileFile, profileFile } from './profile-file.ts'
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
