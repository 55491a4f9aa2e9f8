import { qualityOf } from '@tp/compare'
import type { PruneOptions } from '@tp/compiler'
import type { Schedule } from '@tp/core'
import type { AbortSignalLike, Runtime } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/data/inputs'
import { encodeModel, type Model } from '@tp/onnx'
import { PASS_TOKENS } from './bounded-batches.ts'
import { flopsMeasure, type PruningOptions, pruned } from './fit-schedule.ts'
import type { Scored } from './search-schedule.ts'
import type { WorkDone } from './training-work.ts'

export interface ScheduleScorerOptions extends PruningOptions, Pick<PruneOptions, 'method' | 'params'> {
  readonly model: Model
  readonly runtime: Runtime
  /** Examples by which schedules are chosen. */
  readonly selection: ModelInputs
  /** Default 16. */
  readonly batchSize?: number
  readonly signal?: AbortSignalLike
  /** Examples that were run with the current schedule. */
  readonly onProgress?: (progress: WorkDone) => void
}

/**
 * Scores a schedule on a model: prunes it, runs it on all examples, and counts its multiply-adds at their lengths, as a share of
 * those of the dense model without its dead tokens. For `searchSchedule`.
 */
export function scheduleScorer(options: ScheduleScorerOptions): (schedule: Schedule) => Promise<Scored> {
  const { model, runtime, selection, batchSize = 16, signal, onProgress, ...pruning } = options
  const flopsOf = flopsMeasure({ ...pruning, model, runtime, inputs: selection, batchSize, ...(signal && { signal }) })
  return async (schedule) => {
    await using session = await runtime.load(encodeModel(pruned(model, { ...pruning, schedule }).model), { threads: 1 })
    const accuracy = await qualityOf(session, selection, { batchSize, batchTokens: PASS_TOKENS, signal, onProgress })
    return { accuracy, flops: await flopsOf(schedule) }
  }
}
