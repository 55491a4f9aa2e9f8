import { isTpError, TpError } from '@tp/core'
import { needsValues } from '@tp/core/host'
import type { ModelFile } from '@tp/data'
import { type PrunedModelFile, type PruneFileOptions, pruneModelFile } from '@tp/plans/files'
import { interruptible } from '../context/endable.ts'
import { valuesMissing } from '../printing/train-line.ts'
import type { ReadPlan } from './read-plan.ts'

/**
 * Prunes a file by a plan.
 * @throws Refused; TpError TP_SCHEDULE, TP_PROTECT, TP_FLOPS; TP_WEIGHTS, with the command that trains the values that are missing
 */
export async function pruneFile(
  file: ModelFile,
  read: ReadPlan,
  options: PruneFileOptions = {},
): Promise<PrunedModelFile> {
  const { method, values } = read
  return await pruneModelFile(file, read, { ...options, compute: interruptible }).catch((error: unknown) => {
    const isMissing = isTpError(error) && error.code === 'TP_WEIGHTS' && values === undefined && needsValues(method)
    throw isMissing ? new TpError('TP_WEIGHTS', 'tp', valuesMissing(method, file.path)) : error
  })
}
