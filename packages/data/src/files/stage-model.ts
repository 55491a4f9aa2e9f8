import { realpath } from 'node:fs/promises'
import { dirname } from 'node:path'
import { throwIfAborted } from '@tp/core/runtime'
import { encodeModel, externalTensors, type Model } from '@tp/onnx'
import type { ModelFile } from '../models/model-file.ts'
import { copyDataFiles, removeAll } from './data-files.ts'
import { FileClaims } from './file-claims.ts'
import { writeError } from './write-error.ts'
import { moveInto, waitingPath, writeWhole } from './write-file.ts'

/** A model that is complete on disk, under a temporary name. If disposed before `commit`, nothing remains. */
export interface StagedModel extends AsyncDisposable {
  /** Where it can be loaded from until then. */
  readonly path: string
  readonly bytes: number
  /** Data files that were copied into the folder. */
  readonly dataFiles: readonly string[]
  /** @throws TpError TP_CHANGED if the source is another than when it was read, TP_WRITE */
  commit(): Promise<void>
}

/**
 * Writes a model made from `source` next to its final path.
 * @throws TpError TP_WRITE, TP_ABORTED
 */
export async function stageModel(
  model: Model,
  source: ModelFile,
  out: string,
  signal: AbortSignal,
): Promise<StagedModel> {
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
      // Weights in data files are read again and again until here: for measuring, for verifying, for the copy.
      await source.requireUnchanged()
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

/**
 * Writes a model that was made from `source`, whole or not at all, and only where it is verified, if it is to be.
 * @throws TpError TP_WRITE, TP_ABORTED, and what verifying throws
 * @example
 * const { bytes } = await commitModel(model, file, 'packed.onnx', { signal, verify: (path) => withinBounds(file, path, signal, verifySame) })
 */
export async function commitModel<V = never>(
  model: Model,
  source: ModelFile,
  out: string,
  { signal, verify, beforeCommit }: CommitOptions<V>,
): Promise<CommittedModel<V>> {
  await using staged = await stageModel(model, source, out, signal)
  const verification = await verify?.(staged.path)
  throwIfAborted(signal, 'tp')
  await beforeCommit?.()
  await staged.commit()
  const { bytes, dataFiles } = staged
  return { bytes, dataFiles, ...(verification !== undefined && verification !== null && { verification }) }
}

export interface CommitOptions<V> {
  readonly signal: AbortSignal
  /** Verifies the model where it can be loaded from; nothing is written where that throws. */
  readonly verify?: ((path: string) => Promise<V>) | undefined
  /** Called before the file gets its name. */
  readonly beforeCommit?: (() => Promise<void>) | undefined
}

export interface CommittedModel<V> extends Pick<StagedModel, 'bytes' | 'dataFiles'> {
  readonly verification?: NonNullable<V>
}

/**
 * Writes a model that was made from `source`, whole or not at all.
 * @throws TpError TP_OUTPUT if that is the source itself, one of its data files, or no place for a file; TP_WRITE; TP_ABORTED
 */
export async function writeModelFile(
  model: Model,
  source: ModelFile,
  out: string,
  options: StageOptions = {},
): Promise<void> {
  const { signal = new AbortController().signal } = options
  const files = new FileClaims()
  await files.writes({ path: out, what: 'the model', holdsModel: true })
  await files.readsModel(source.path, source.dataFiles)
  await using staged = await stageModel(model, source, out, signal)
  await staged.commit()
}

export interface StageOptions {
  readonly signal?: AbortSignal
}
