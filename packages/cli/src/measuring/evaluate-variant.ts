import type { Outcome } from '@tp/compare'
import type { Inspection } from '@tp/compiler'
import type { AbortSignalLike, Runtime, Session } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/data/inputs'
import { flopsOf } from '../model/flops.ts'
import { loadSession } from '../model/load-session.ts'
import type { ModelFile } from '../model/model-file.ts'
import { type ProgressDisplay, partOf } from '../output/progress.ts'
import type { Judge, JudgedAnswers } from './judge.ts'
import type { PrunedVariant } from './variants.ts'

/** A model's answers and costs, compared with the dense one. */
export interface VariantFigures {
  readonly answers: JudgedAnswers
  /** Mean over layers of the tokens that enter the FFN, of those that enter the model. */
  readonly kept: number
  readonly keptByLayer: readonly number[] | undefined
  /**
   * Preparation and run of one example in ms, as a user waits for it; not measured alternately, so not for comparisons. Of speech encoder
   * and decoder, which are.
   */
  readonly endToEnd: Pick<NonNullable<Outcome['latency']>, 'p50' | 'p90'> | undefined
  /** How many times fewer multiply-adds than the dense model, over all examples. */
  readonly flops: number | undefined
}

export interface EvaluationTask<O extends Outcome> {
  readonly file: ModelFile
  readonly judge: Judge<O>
  readonly inputs: ModelInputs
  readonly batchSize: number
  readonly signal: AbortSignal & AbortSignalLike
  readonly progress: ProgressDisplay
  /** Default: onnxruntime-node. */
  readonly runtime?: Runtime | undefined
}

/** All examples through a model; the session is closed afterwards. */
export async function evaluateSession<O extends Outcome>(
  session: Session,
  task: EvaluationTask<O>,
  inspection?: Inspection,
): Promise<O> {
  await using running = session
  const { judge, batchSize, signal, progress } = task
  const tokens = typeof inspection?.tokens === 'number' ? inspection.tokens : undefined
  return await judge.run(running, {
    batchSize,
    layerCount: inspection?.layers.length,
    tokens,
    signal,
    onProgress: ({ done, total }) => progress.step(done, total),
  })
}

/** Evaluates a variant; where it is several models, figures are means over them. */
export async function evaluateVariant<O extends Outcome>(
  variant: PrunedVariant,
  task: EvaluationTask<O>,
  inspection: Inspection,
  dense: O,
): Promise<VariantFigures> {
  const { file, inputs, judge, signal, runtime } = task
  const outcomes: O[] = []
  for (const [i, { traced }] of variant.models.entries()) {
    const session = await loadSession((await traced()).model, file, { runtime, threads: 1, signal })
    const progress = partOf(task.progress, i, variant.models.length)
    outcomes.push(await evaluateSession(session, { ...task, progress }, inspection))
  }
  const [outcome, ...others] = outcomes as [O, ...O[]]
  const [encoder] = variant.plain.encoders
  const layers = inspection.layers.slice(0, encoder?.layerCount)
  const keptByLayer = layers.map((_, layer) => mean(outcomes.map(({ kept }) => kept?.layers[layer] ?? 1)))
  return {
    answers: judge.pruned([outcome, ...others], dense),
    kept: mean(keptByLayer),
    keptByLayer,
    endToEnd: outcome.latency,
    flops: flopsFactor(variant, file, inputs, inspection, keptByLayer),
  }
}

/** Over all examples, one by one. If the data decide how many tokens are kept, with their mean share at each layer. */
function flopsFactor(
  { plain }: PrunedVariant,
  { model }: ModelFile,
  { lengths, targets }: ModelInputs,
  inspection: Inspection,
  keptByLayer: readonly number[],
): number | undefined {
  const [dense, pruned] = [flopsOf(model, inspection), flopsOf(plain.model, inspection)]
  const batch = typeof inspection.batch === 'number' ? inspection.batch : 1
  const byLength = new Map<number | undefined, readonly [dense: number | undefined, pruned: number | undefined]>()
  let [denseTotal, prunedTotal] = [0, 0]
  for (const length of lengths ?? targets.map(() => undefined)) {
    const sizes = { batch, tokens: typeof inspection.tokens === 'number' ? undefined : length }
    const arrive = length ?? (typeof inspection.tokens === 'number' ? inspection.tokens : 1)
    const kept = Object.fromEntries(keptByLayer.map((share, layer) => [layer, Math.max(1, Math.round(share * arrive))]))
    const counts = byLength.get(length) ?? [dense(sizes), pruned({ ...sizes, kept })]
    byLength.set(length, counts)
    const [before, after] = counts
    if (before === undefined || after === undefined) return undefined
    denseTotal += before
    prunedTotal += after
  }
  return denseTotal / prunedTotal
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
