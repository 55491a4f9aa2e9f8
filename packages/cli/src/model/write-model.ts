import { throwIfAborted } from '@tp/core/runtime'
import type { ModelFile } from '@tp/data'
import { stageModel } from '@tp/data/files'
import type { Model } from '@tp/onnx'
import type { Context } from '../context/context.ts'

interface ModelToWrite<V> {
  readonly model: Model
  /** The file that it was made from. */
  readonly file: ModelFile
  readonly out: string
  /** Verifies it where it can be loaded from; nothing is written where that throws. */
  readonly verify?: false | undefined | ((path: string) => Promise<V>)
  /** Called before the file gets its name. */
  beforeCommit?(): Promise<void>
}

/** Writes a model whole or not at all. @throws TpError TP_WRITE, TP_ABORTED, and what verifying throws */
export async function writeModel<V = never>(
  { model, file, out, verify, beforeCommit }: ModelToWrite<V>,
  { progress, signal }: Pick<Context, 'progress' | 'signal'>,
): Promise<{ readonly bytes: number; readonly dataFiles: readonly string[]; readonly verification?: NonNullable<V> }> {
  await using staged = await stageModel(model, file, out, signal)
  if (verify) progress.stage('verifying')
  const verification = verify ? await verify(staged.path) : undefined
  throwIfAborted(signal, 'tp')
  await beforeCommit?.()
  await staged.commit()
  const { bytes, dataFiles } = staged
  return { bytes, dataFiles, ...(verification !== undefined && verification !== null && { verification }) }
}
