import type { Inspection } from '@tp/compiler'
import type { AbortSignalLike, Session } from '@tp/core'
import { bootstrapMean, compareToDense, type Evaluation, evaluate, type Interval, type ModelInputs } from '@tp/eval'
import { flopsOf } from '../model/flops.ts'
import { loadSession } from '../model/load-session.ts'
import type { ModelFile } from '../model/model-file.ts'
import type { Progress } from '../output/progress.ts'
import type { Variant } from './variants.ts'

/** What a model answers, and what it costs, beside the dense one. */
export interface Figures {
  /** Percent, with 95 % interval. */
  readonly accuracy: Interval
  /** Points of accuracy lost against the dense model, paired by example. */
  readonly loss: Interval
  /** Percent of the examples with the dense model's answer. */
  readonly agreement: number
  /** Mean over blocks of the tokens that enter the FFN, of those that enter the model. */
  readonly kept: number
  readonly keptByBlock: readonly number[] | undefined
  /** Preparation and run of one example in ms, as a user waits for it; not in turns, so not for comparisons. */
  readonly endToEnd: Evaluation['latency']
  /** How many times fewer multiply-adds than the dense model, over all examples. */
  readonly flops: number | undefined
}

export interface EvaluationTask {
  readonly file: ModelFile
  readonly inputs: ModelInputs
  readonly batchSize: number
  readonly signal: AbortSignal & AbortSignalLike
  readonly progress: Progress
}

/** All examples through a model; the session is closed afterwards. */
export async function evaluateSession(
  session: Session,
  task: EvaluationTask,
  inspection?: Inspection,
): Promise<Evaluation> {
  await using running = session
  const { inputs, batchSize, signal, progress } = task
  const tokens = typeof inspection?.tokens === 'number' ? inspection.tokens : undefined
  return await evaluate(running, inputs, {
    batchSize,
    blocks: inspection?.blocks.length,
    tokens,
    signal,
    onProgress: ({ done, total }) => progress.step(done, total),
  })
}

export function denseFigures({ accuracy, latency }: Evaluation): Figures {
  const loss = { estimate: 0, low: 0, high: 0 }
  return { accuracy, loss, agreement: 100, kept: 1, keptByBlock: undefined, endToEnd: latency, flops: 1 }
}

/** Evaluates a variant; where it is several models, figures are means over them. */
export async function evaluateVariant(
  variant: Variant,
  task: EvaluationTask,
  inspection: Inspection,
  dense: Evaluation,
): Promise<Figures> {
  const { file, inputs, signal } = task
  const evaluations: Evaluation[] = []
  for (const { traced } of variant.models) {
    const session = await loadSession((await traced()).model, file, { threads: 1, signal })
    evaluations.push(await evaluateSession(session, task, inspection))
  }
  const comparisons = evaluations.map((evaluation) => compareToDense(evaluation, dense))
  const correct = dense.correct.map((_, i) =>
    mean(evaluations.map((evaluation) => 100 * Number(evaluation.correct[i]))),
  )
  const keptByBlock = inspection.blocks.map((_, block) => mean(evaluations.map(({ kept }) => kept?.blocks[block] ?? 1)))
  return {
    accuracy: bootstrapMean(correct),
    loss: bootstrapMean(correct.map((percent, i) => 100 * Number(dense.correct[i]) - percent)),
    agreement: mean(comparisons.map(({ agreement }) => agreement)),
    kept: mean(keptByBlock),
    keptByBlock,
    endToEnd: evaluations[0]?.latency,
    flops: flopsFactor(variant, file, inputs, inspection, keptByBlock),
  }
}

/** Over all examples, one by one. Where the data decide how many tokens stay, their mean share at each block stands for it. */
function flopsFactor(
  { models }: Variant,
  { model }: ModelFile,
  { lengths, targets }: ModelInputs,
  inspection: Inspection,
  keptByBlock: readonly number[],
): number | undefined {
  const [first] = models
  if (first === undefined) return undefined
  const [dense, pruned] = [flopsOf(model, inspection), flopsOf(first.plain.model, inspection)]
  const batch = typeof inspection.batch === 'number' ? inspection.batch : 1
  const byLength = new Map<number | undefined, readonly [dense: number | undefined, pruned: number | undefined]>()
  let [denseTotal, prunedTotal] = [0, 0]
  for (const length of lengths ?? targets.map(() => undefined)) {
    const sizes = { batch, tokens: typeof inspection.tokens === 'number' ? undefined : length }
    const arrive = length ?? (typeof inspection.tokens === 'number' ? inspection.tokens : 1)
    const kept = Object.fromEntries(keptByBlock.map((share, block) => [block, Math.max(1, Math.round(share * arrive))]))
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
