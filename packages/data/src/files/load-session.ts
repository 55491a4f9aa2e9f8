import { link, mkdir, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Runtime, type Session, type SessionOptions, throwIfAborted } from '@tp/core/runtime'
import { encodeModel, externalTensors, type Model, refusedLoad, withoutMetadata } from '@tp/onnx'
import type { ModelFile } from '../models/model-file.ts'
import { copyDataFiles } from './data-files.ts'
import { writeError } from './write-error.ts'
import { removeAbandoned, waitingPath } from './write-file.ts'

/**
 * Loads the file of a model as it was read.
 * @throws TpError TP_CHANGED if it is another meanwhile, TP_BFLOAT16 for a model in bfloat16 that the runtime refuses, and what the
 *   runtime throws
 */
export async function loadFile(
  runtime: Pick<Runtime, 'load'>,
  { path, model, requireUnchanged }: Pick<ModelFile, 'path' | 'model' | 'requireUnchanged'>,
  options?: SessionOptions,
): Promise<Session> {
  const session = await runtime.load(path, options).catch(async (error: unknown) => {
    await requireUnchanged()
    throw refusedLoad(error, model)
  })
  return await unchanged(session, requireUnchanged)
}

/** A session that has its own copy of what was read, or none. */
async function unchanged(session: Session, requireUnchanged: () => Promise<void>): Promise<Session> {
  try {
    await requireUnchanged()
    return session
  } catch (error) {
    await session.dispose()
    throw error
  }
}

/**
 * Loads a model that was made from a file, without a place of its own. One with data files is written to a temporary
 * folder that holds them too: a runtime looks for them next to the model.
 * @throws TpError TP_CHANGED if a data file is another than when the source was read, TP_WRITE, TP_ABORTED, and what the runtime throws
 */
export async function loadSession(
  runtime: Pick<Runtime, 'load'>,
  model: Model,
  source: ModelFile,
  options: SessionOptions & { readonly signal: AbortSignal },
): Promise<Session> {
  if (source.dataFiles.length === 0) return runtime.load(encodeModel(withoutMetadata(model)), options)
  // A runtime has read all files once it has loaded them.
  const session = await withModelAsFile(model, source, options.signal, (path) => runtime.load(path, options))
  return await unchanged(session, source.requireUnchanged)
}

/**
 * Writes a model that was made from a file to a temporary folder, next to the data files, for as long as `use` takes.
 * Folders that killed processes left are removed.
 * @throws TpError TP_WRITE, TP_ABORTED, and what `use` throws
 */
export async function withModelAsFile<T>(
  model: Model,
  source: ModelFile,
  signal: AbortSignal,
  use: (path: string) => Promise<T>,
): Promise<T> {
  await removeAbandoned(tmpdir())
  const folder = waitingPath(join(tmpdir(), 'tp'))
  await mkdir(folder, { mode: 0o700 }).catch((cause: unknown) => {
    throw writeError(folder, cause)
  })
  try {
    const path = join(folder, 'model.onnx')
    await linkDataFiles(model, source, folder, signal)
    // It is removed again, so that it need not reach the disk.
    await writeFile(path, encodeModel(withoutMetadata(model)), { signal }).catch((cause: unknown) => {
      throwIfAborted(signal, 'tp')
      throw writeError(path, cause)
    })
    return await use(path)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Costs no room where the temporary folder is on the same disk; else they are copied. */
async function linkDataFiles(model: Model, { path }: ModelFile, folder: string, signal: AbortSignal): Promise<void> {
  const locations = [...new Set(externalTensors(model).map(({ location }) => location))]
  for (const location of locations) {
    // The file that a link leads to: runtimes refuse a link that leads out of their model's folder.
    const own = await realpath(join(dirname(path), location))
    await link(own, join(folder, location)).catch(() => undefined)
  }
  await copyDataFiles(locations, dirname(path), folder, signal)
}
