import type { Inspection } from '@tp/compiler'
import type { Session } from '@tp/core/runtime'
import type { TaskData } from '@tp/data'
import { mean } from '@tp/metrics'
import type { Model } from '@tp/onnx'
import type { Outcome } from '../answers/outcome.ts'
import type { ComparedAnswers } from '../tasks/comparer.ts'
import { comparerOf } from '../tasks/comparer-of.ts'
import { type Times, type TimingOptions, timeOnData } from '../tasks/time-on-data.ts'
import { fewerFlops } from '../times/flops.ts'
import { withSessions } from '../times/time-in-turns.ts'
import { openOnce } from './open-once.ts'

/** One way in which a model was changed. */
export interface VariantToCompare {
  readonly model: Model
  /** Layers of the encoder that was pruned, where some were left out. */
  readonly layerCount: number | undefined
  /** Opens the model as it is timed. */
  open(): Promise<Session>
  /** The same with outputs that say which tokens were kept; several where chance chooses the tokens, one a seed. */
  readonly traced: readonly (() => Promise<Session>)[]
}

export interface VariantsToCompare {
  readonly dense: Pick<VariantToCompare, 'model' | 'open'>
  /** Of the dense model, where variants of it prune tokens. */
  readonly inspection: Inspection | undefined
  readonly variants: readonly VariantToCompare[]
  readonly data: TaskData
}

export interface CompareVariantsOptions extends TimingOptions {
  /** Called when the answers of each model begin (`dense` or the index of a variant), and the times of all. */
  readonly onStage?: ((stage: 'dense' | 'times' | number) => void) | undefined
}

/** A model's answers and costs, compared with the dense one. */
export interface ComparedVariant extends Times {
  readonly answers: ComparedAnswers
  /** Mean over layers of the tokens that enter the FFN, of those that enter the model; undefined where these are not known. */
  readonly kept: number | undefined
  readonly keptByLayer: readonly number[] | undefined
  /**
   * Preparation and run of one example in ms, as a user waits for it; not measured in turns, so not for comparisons. Of speech encoder
   * and decoder, which are.
   */
  readonly endToEnd: Pick<NonNullable<Outcome['latency']>, 'p50' | 'p90'> | undefined
  /** How many times fewer multiply-adds than the dense model, over all examples. */
  readonly flops: number | undefined
}

/**
 * The dense model, then its variants: first answers, one model after another, then times, in turns. Where chance chooses tokens, figures
 * are means over the seeds, and the first is timed.
 * @throws TpError TP_ABORTED, and what running models throws
 */
export async function compareVariants(
  { dense, inspection, variants, data }: VariantsToCompare,
  options: CompareVariantsOptions,
): Promise<ComparedVariant[]> {
  const { batchSize, signal, onStage, onProgress } = options
  const comparer = comparerOf(data)
  const evaluate = async (open: () => Promise<Session>, part = 0, parts = 1): Promise<Outcome> => {
    await using session = await open()
    await using whole = openOnce(dense.open)
    return await comparer.run(session, {
      ...(open !== dense.open && {
        ...{ layerCount: inspection?.layers.length, tokens: inspection?.tokens, dense: whole.open },
      }),
      ...{ batchSize, signal },
      onProgress: ({ done, total }) => onProgress?.(part * total + done, parts * total),
    })
  }
  onStage?.('dense')
  const before = await evaluate(dense.open)
  const found: Omit<ComparedVariant, keyof Times>[] = [
    { answers: comparer.dense(before), kept: 1, keptByLayer: undefined, flops: 1, endToEnd: before.latency },
  ]
  for (const [index, { model, layerCount, traced }] of variants.entries()) {
    onStage?.(index)
    const outcomes: Outcome[] = []
    for (const [seed, open] of traced.entries()) outcomes.push(await evaluate(open, seed, traced.length))
    const [first, ...others] = outcomes as [Outcome, ...Outcome[]]
    const layers = inspection?.layers.slice(0, layerCount) ?? []
    const kept = outcomes.flatMap((outcome) => outcome.kept ?? [])
    const keptByLayer =
      kept.length < outcomes.length
        ? undefined
        : layers.map((_, layer) => mean(kept.map((own) => own.layers[layer] as number)))
    found.push({
      answers: comparer.pruned([first, ...others], before),
      ...{ kept: keptByLayer && mean(keptByLayer), keptByLayer, endToEnd: first.latency },
      flops:
        inspection && fewerFlops({ dense: dense.model, pruned: model, roles: inspection }, data.inputs, keptByLayer),
    })
  }
  onStage?.('times')
  const open = [dense, ...variants].map((variant) => () => variant.open())
  const times = await withSessions(open, (sessions) => timeOnData(sessions, data, options))
  return found.map((variant, i) => {
    const own = times[i] as Times
    // Where a decoder follows, what a user waits for is it as well.
    const { p50Ms: p50, p90Ms: p90 } = own.latency
    return { ...variant, ...own, ...(own.encoder && { endToEnd: { p50, p90 } }) }
  })
}
