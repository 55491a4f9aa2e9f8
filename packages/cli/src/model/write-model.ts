import type { ModelFile } from '@tp/data'
import { type CommittedModel, commitModel } from '@tp/data/files'
import type { Model } from '@tp/onnx'
import type { FileVerification, VerifyFileOptions } from '@tp/plans/files'
import type { Context } from '../context/context.ts'

/** The part of a context that verifying takes. */
export type Verifying = Pick<Context, 'progress' | 'signal' | 'began' | 'verifying'>

interface ModelToWrite extends Pick<VerifyFileOptions, 'native' | 'methods'> {
  readonly model: Model
  /** The file that it was made from. */
  readonly file: ModelFile
  readonly out: string
  readonly verify: boolean
}

/** Verifies a model and writes it, as `commitModel` of `@tp/data/files` does. @throws TpError TP_VERIFY, TP_WRITE, TP_ABORTED */
export async function writeModel(
  { model, file, out, verify, ...how }: ModelToWrite,
  context: Verifying,
): Promise<CommittedModel<FileVerification>> {
  const { progress, signal } = context
  const verified = async (path: string): Promise<FileVerification> => {
    progress.stage('verifying')
    const { verifyFile } = await import('@tp/plans/files')
    return await verifyFile({ model, path }, file, { ...how, ...verifying(context), signal })
  }
  return await commitModel(model, file, out, { signal, ...(verify && { verify: verified }) })
}

const LEAST = 3000

/** A quarter of the command's time, but at least 3 seconds. */
export function verifying({ began, verifying: how }: Verifying): Pick<VerifyFileOptions, 'budget' | 'runtime'> {
  return { budget: Math.max(LEAST, (performance.now() - began) / 3), ...how }
}
