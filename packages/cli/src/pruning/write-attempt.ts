import type { VerifiedPruning } from '@tp/compare'
import { throwIfAborted } from '@tp/core/runtime'
import type { ModelFile } from '@tp/data'
import { stageModel } from '@tp/data/files'
import { verifyPrunedFile } from '@tp/plans/files'
import type { Context } from '../context/context.ts'
import { interruptible } from '../context/endable.ts'
import { repairDecoder } from '../decoding/repair-decoder.ts'
import type { DecoderReport } from '../printing/decoder-report.ts'
import type { Attempt } from './attempt.ts'

export interface WriteAttemptOptions {
  /** The requested file; the pruned model may have fewer layers. */
  readonly whole: ModelFile
  readonly out: string
  readonly verify: boolean
  /** The decoder that reads the states, and where it is written if it has to be repaired. */
  readonly decoder: { readonly file: ModelFile; readonly out: string | undefined } | undefined
  /** Called when all is ready, before the files get their names. */
  beforeCommit(): Promise<void>
}

/** The written file, and the comparison before. */
export interface Written {
  readonly bytes: number
  readonly dataFiles: readonly string[]
  readonly verification?: VerifiedPruning
  readonly decoder?: DecoderReport
}

/**
 * Writes a pruned file, and the decoder of its states, both or neither.
 * @throws TpError TP_VERIFY, TP_WRITE, TP_USAGE, TP_ABORTED; RefusalError
 */
export async function writeAttempt(
  attempt: Attempt,
  { whole, out, verify, decoder, beforeCommit }: WriteAttemptOptions,
  { progress, signal }: Pick<Context, 'progress' | 'signal'>,
): Promise<Written> {
  const { pruned } = attempt
  const { file, inspections, model } = pruned
  const [inspection] = inspections
  await using staged = await stageModel(model, file, out, signal)
  let verification: VerifiedPruning | undefined
  if (verify) {
    progress.stage('verifying')
    verification = await verifyPrunedFile(pruned, { whole, path: staged.path, signal, compute: interruptible })
  }
  const states = typeof inspection.tokens === 'number' ? inspection.tokens : undefined
  const repair = { out: decoder?.out, states, size: inspection.hidden, verify, signal }
  const repaired = decoder && (await repairDecoder(decoder.file, repair))
  await using repairedFile = repaired?.staged
  throwIfAborted(signal, 'tp')
  await beforeCommit()
  await staged.commit()
  await repairedFile?.commit()
  return {
    bytes: staged.bytes,
    dataFiles: staged.dataFiles,
    ...(verification && { verification }),
    ...(repaired && { decoder: repaired.report }),
  }
}
