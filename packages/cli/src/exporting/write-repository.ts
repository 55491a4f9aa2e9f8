import { copyFile, lstat, mkdir, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { TpError } from '@tp/core'
import { type AbortSignalLike, type NamedTensors, type TypedArray, throwIfAborted } from '@tp/core/runtime'
import { writeError } from '../files/write-error.ts'
import { waitingPath } from '../files/write-file.ts'
import { copyDataFiles } from '../model/data-files.ts'
import type { ModelFile } from '../model/model-file.ts'
import { LABELS, warmupFile } from './triton-config.ts'

/** What makes up a model of a repository, besides its file. */
export interface RepositoryEntry {
  readonly name: string
  /** config.pbtxt */
  readonly config: string
  readonly labels: readonly string[] | undefined
  readonly warmup: NamedTensors
}

/**
 * Writes a model's folder into a Triton model repository, whole or not at all. The repository itself may be new.
 * @returns the folder
 * @throws TpError TP_OUTPUT if the repository has such a model; TP_WRITE, TP_ABORTED
 */
export async function writeRepository(
  repository: string,
  file: ModelFile,
  { name, config, labels, warmup }: RepositoryEntry,
  signal: AbortSignalLike,
): Promise<string> {
  const folder = join(repository, name)
  if (await exists(folder))
    throw new TpError('TP_OUTPUT', 'tp', `${folder} is there already; give another --name, or remove it`)
  const isNew = !(await exists(repository))
  const waiting = waitingPath(folder)
  try {
    if (isNew) await mkdir(repository)
    await mkdir(waiting)
    await mkdir(join(waiting, '1'))
    await copyFile(file.path, join(waiting, '1', 'model.onnx'))
    await copyDataFiles(file.dataFiles, dirname(file.path), join(waiting, '1'), signal)
    await mkdir(join(waiting, 'warmup'))
    for (const [i, { data }] of Object.values(warmup).entries())
      await writeFile(join(waiting, 'warmup', warmupFile(i)), data as TypedArray)
    if (labels !== undefined)
      await writeFile(join(waiting, LABELS), labels.map((label) => `${label.replaceAll(/\s+/g, ' ')}\n`).join(''))
    await writeFile(join(waiting, 'config.pbtxt'), config)
    throwIfAborted(signal, 'tp')
    await rename(waiting, folder)
    return folder
  } catch (cause) {
    // There may be no folder that it could be in.
    await rm(waiting, { recursive: true, force: true }).catch(() => undefined)
    if (isNew) await rmdir(repository).catch(() => undefined)
    throw cause instanceof TpError ? cause : writeError(folder, cause)
  }
}

async function exists(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    () => false,
  )
}
