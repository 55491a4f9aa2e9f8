import type { ModelFile } from '@tp/data'
import { type CommittedModel, commitModel } from '@tp/data/files'
import type { Model } from '@tp/onnx'
import type { Context } from '../context/context.ts'

interface ModelToWrite<V> {
  readonly model: Model
  /** The file that it was made from. */
  readonly file: ModelFile
  readonly out: string
  readonly verify?: false | undefined | ((path: string) => Promise<V>)
}

/** Writes a model as `commitModel` of `@tp/data/files` does. @throws TpError TP_WRITE, TP_ABORTED, and what verifying throws */
export async function writeModel<V = never>(
  { model, file, out, verify }: ModelToWrite<V>,
  { progress, signal }: Pick<Context, 'progress' | 'signal'>,
): Promise<CommittedModel<V>> {
  if (!verify) return await commitModel(model, file, out, { signal })
  const verified = (path: string): Promise<V> => {
    progress.stage('verifying')
    return verify(path)
  }
  return await commitModel(model, file, out, { signal, verify: verified })
}
