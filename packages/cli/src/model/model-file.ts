import type { AbortSignalLike } from '@tp/core/runtime'
import { type ModelFile, readModel } from '@tp/data'
import type { FileClaims } from '@tp/data/files'
import { interruptible } from '../context/endable.ts'

export interface ReadOptions {
  readonly signal?: AbortSignalLike
  /** Told which files are read. */
  readonly files?: Pick<FileClaims, 'readsModel'>
}

/**
 * Reads an ONNX file in a way that Ctrl-C breaks off.
 * @throws TpError of `readModel`
 */
export async function readModelFile(path: string, { signal, files }: ReadOptions = {}): Promise<ModelFile> {
  const file = await readModel(path, { where: 'tp', signal, compute: interruptible })
  await files?.readsModel(path, file.dataFiles)
  return file
}
