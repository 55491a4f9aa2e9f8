import { throwIfAborted } from '@tp/core/runtime'
import type { ModelFile } from '@tp/data'
import { stageModel } from '@tp/data/files'
import { type FileVerification, pruningFacts, verifyPrunedFile } from '@tp/plans/files'
import { endable } from '../context/endable.ts'
import { type DecoderToChange, repairedDecoder } from '../decoding/repair-decoder.ts'
import { ONE_ROW } from '../model/as-pooled.ts'
import { type Verifying, verifying } from '../model/write-model.ts'
import { nativeModule } from '../plugins/open-runtime.ts'
import type { PrintedPruning } from '../printing/pruned-report.ts'
import type { Attempt } from './attempt.ts'

export interface WriteAttemptOptions {
  /** The requested file; the pruned model may have fewer layers. */
  readonly whole: ModelFile
  readonly out: string
  readonly verify: boolean
  /** The decoder that reads the states, and where it is written if it has to be repaired. */
  readonly decoder: DecoderToChange | undefined
  /** Called when all is ready, before the files get their names. */
  beforeCommit(): Promise<void>
}

/** The written file, and the comparison before. */
type Written = Pick<PrintedPruning, 'bytes' | 'dataFiles' | 'verification' | 'decoder'>

/**
 * Writes a pruned file, and the decoder of its states, both or neither.
 * @throws TpError TP_VERIFY, TP_WRITE, TP_USAGE, TP_ABORTED; RefusalError
 */
export async function writeAttempt(
  attempt: Attempt,
  { whole, out, verify, decoder, beforeCommit }: WriteAttemptOptions,
  context: Verifying,
): Promise<Written> {
  const { progress, signal } = context
  const { pruned } = attempt
  const { file, inspections, model } = pruned
  const [inspection] = inspections
  await using staged = await stageModel(model, file, out, signal)
  let verification: FileVerification | undefined
  if (verify) {
    progress.stage('verifying')
    const native = pruned.packed ? nativeModule() : undefined
    const how = { native, ...verifying(context), signal }
    verification = await verifyPrunedFile(pruned, { ...how, whole, path: staged.path })
  }
  const states = typeof inspection.tokens === 'number' ? inspection.tokens : undefined
  const encoder = decoder?.weighs ? file.model : undefined
  const repair = { out: decoder?.out, states, size: inspection.hidden, encoder, verify, signal }
  const repaired = decoder && (await repairedDecoder(decoder.file, { ...repair, ...verifying(context) }))
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

/** The pruned and written model. */
interface WrittenAttempt {
  readonly file: ModelFile
  /** The file as it was pruned, perhaps with one row of its states. */
  readonly whole: ModelFile
  readonly out: string
  readonly attempt: Attempt
  readonly written: Written
  /** Further sentences for the user. */
  readonly notes?: readonly string[]
  /** When the command began, by `performance.now()`. */
  readonly began: number
}

/** The document of a pruned file. */
export async function writtenReport(done: WrittenAttempt): Promise<PrintedPruning & { readonly out: string }> {
  const { file, whole, out, attempt, written, notes = [], began } = done
  const { speed } = attempt
  return {
    ...{ model: file.path, out },
    ...(await endable(() => pruningFacts(whole, attempt.pruned, attempt.plan))),
    ...{ ...written, ...(speed && { speed }) },
    notes: [...attempt.notes, ...(whole === file ? [] : [ONE_ROW]), ...notes],
    milliseconds: Math.round(performance.now() - began),
  }
}
