import { flopsFormula, type PruneOptions, prune } from '@tp/compiler'
import { type AbortSignalLike, none, type Runtime, type Schedule, TpError } from '@tp/core'
import { evaluate, type ModelInputs } from '@tp/eval'
import { encodeModel, type Model } from '@tp/onnx'
import type { Scored } from './search-schedule.ts'

export interface ScheduleScorerOptions extends Omit<PruneOptions, 'schedule'> {
  readonly model: Model
  readonly runtime: Runtime
  /** Examples that schedules are chosen by. */
  readonly selection: ModelInputs
  /** Default 16. */
  readonly batchSize?: number
  readonly signal?: AbortSignalLike
}

/**
 * What a schedule comes to on a model: pruned by it, run on all examples, its multiply-adds counted at their lengths, as a
 * share of those of the dense model, of which both leave out what no output reads. For `searchSchedule`.
 */
export function scheduleScorer(options: ScheduleScorerOptions): (schedule: Schedule) => Promise<Scored> {
  const { model, runtime, selection, batchSize = 16, signal, ...pruning } = options
  const lengths = countsOf(selection.lengths)
  const flopsAt = (some: Model): number => {
    const formula = flopsFormula(some)
    return lengths.reduce(
      (sum, [tokens, count]) => sum + count * formula({ batch: 1, ...(tokens > 0 && { tokens }) }),
      0,
    )
  }
  const pruned = (own: Pick<PruneOptions, 'method' | 'schedule'>): Model => {
    const result = prune(model, { ...pruning, ...own })
    if (!result.ok) throw new TpError(result.refusal.code, 'train', result.refusal.message)
    return result.model
  }
  const dense = flopsAt(pruned({ method: none(), schedule: new Map() }))
  return async (schedule) => {
    const reduced = pruned({ method: pruning.method, schedule })
    await using session = await runtime.load(encodeModel(reduced), { threads: 1 })
    const { accuracy } = await evaluate(session, selection, { batchSize, signal })
    return { accuracy: accuracy.estimate, flops: flopsAt(reduced) / dense }
  }
}

/** How many examples have each length; 0: the model alone knows. */
function countsOf(lengths: readonly number[] = [0]): readonly (readonly [number, number])[] {
  const counts = new Map<number, number>()
  for (const length of lengths) counts.set(length, (counts.get(length) ?? 0) + 1)
  return [...counts]
}
