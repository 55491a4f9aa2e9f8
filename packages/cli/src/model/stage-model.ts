import { realpath, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { TpError, throwIfAborted } from '@tp/core'
import { encodeModel, externalTensors, type Model } from '@tp/onnx'
import { copyDataFiles, removeAll } from './data-files.ts'
import type { ModelFile } from './model-file.ts'
import { writeError } from './write-error.ts'
import { isSameFile, moveInto, waitingPath, writeWhole } from './write-file.ts'

/** A model that is whole on disk, but does not have its name yet. Disposed before `commit`, it leaves nothing behind. */
export interface StagedModel extends AsyncDisposable {
  /** Where it can be loaded from until then. */
  readonly path: string
  readonly bytes: number
  /** Data files that were copied into the folder. */
  readonly dataFiles: readonly string[]
  commit(): Promise<void>
}

/**
 * Writes a model that was made from `source` beside the place that it is to have.
 * @throws TpError TP_OUTPUT if that place is the source itself or no place for a file; TP_WRITE; TP_ABORTED
 */
export async function stageModel(
  model: Model,
  source: ModelFile,
  out: string,
  signal: AbortSignal,
): Promise<StagedModel> {
  await checkTarget(source, out)
  const bytes = encodeModel(model)
  throwIfAborted(signal, 'tp')
  const locations = [...new Set(externalTensors(model).map(({ location }) => location))]
  // Through a link: the file it leads to is replaced, not the link.
  const target = await realpath(out).catch(() => out)
  const created = await copyDataFiles(locations, dirname(source.path), dirname(target), signal)
  const waiting = waitingPath(target)
  let committed = false
  try {
    await writeWhole(waiting, bytes, signal)
    throwIfAborted(signal, 'tp')
  } catch (error) {
    await removeAll([waiting, ...created])
    throwIfAborted(signal, 'tp')
    throw writeError(out, error)
  }
  return {
    path: waiting,
    bytes: bytes.length,
    dataFiles: created,
    async commit() {
      try {
        await moveInto(waiting, target)
      } catch (error) {
        throw writeError(out, error)
      }
      committed = true
    },
    async [Symbol.asyncDispose]() {
      if (!committed) await removeAll([waiting, ...created])
    },
  }
}

/** Writes a model that was made from `source`, whole or not at all. @throws as {@link stageModel} */
export async function writeModelFile(
  model: Model,
  source: ModelFile,
  out: string,
  options: WriteOptions = {},
): Promise<void> {
  const { signal = new AbortController().signal } = options
  await using staged = await stageModel(model, source, out, signal)
  await staged.commit()
}

export interface WriteOptions {
  readonly signal?: AbortSignal
}

/**
 * Whether a file may be written there; asked before any work is done.
 * @throws TpError TP_OUTPUT, TP_WRITE
 */
export async function checkTarget(source: ModelFile, out: string): Promise<void> {
  const inputs = [source.path, ...source.dataFiles.map((location) => join(dirname(source.path), location))]
  for (const input of inputs) {
    if (await isSameFile(input, out)) {
      throw new TpError('TP_OUTPUT', 'tp', `the output ${out} is the model's own file ${input}; give another path`)
    }
  }
  const entry = await stat(out).catch(() => undefined)
  if (entry !== undefined && !entry.isFile()) {
    const kind = entry.isDirectory() ? 'a folder' : 'no regular file'
    throw new TpError('TP_OUTPUT', 'tp', `the output ${out} is ${kind}; give the path of a file`)
  }
  await checkFolder(out)
}

/** Tries the folder with an empty file: permissions alone do not tell (read-only disks, missing folders, root). */
async function checkFolder(out: string): Promise<void> {
  const waiting = waitingPath(out)
  try {
    await writeWhole(waiting, new Uint8Array(), new AbortController().signal)
    await rm(waiting, { force: true })
  } catch (cause) {
    throw writeError(out, cause)
  }
}
