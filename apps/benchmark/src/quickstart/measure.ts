import { availableParallelism } from 'node:os'
import {
  type Evaluation,
  evaluate,
  type TurnOptions,
  timeInTurns,
  type VariantLatency,
  withSessions,
} from '@tp/compare'
import type { Runtime } from '@tp/core/runtime'
import { type Figure, figureInterval, figureLoss, type Interval, meanFigure, scaledInterval } from '@tp/metrics'
import { encodeModel } from '@tp/onnx'
import { mean } from 'simple-statistics'
import { prepare, totalFlops } from './prepare.ts'
import type { MeasuredCandidate, Setting } from './settings.ts'
import type { MeasuredSubject } from './subject.ts'

/** The surroundings of a measurement. */
export interface MeasureContext {
  readonly runtime: Runtime
  readonly onProgress: (text: string) => void
}

/** A candidate, measured on all examples. */
export interface MeasuredRow extends MeasuredCandidate {
  /** Accuracy in percent, a mean over the seeds. */
  readonly accuracy: Interval
  /** Points lost against the first candidate, paired by example. */
  readonly loss: Interval
  /** Multiply-adds of the first candidate over those of this. */
  readonly flops: number
  /** Mean over layers and examples of the tokens that enter the FFN, of those that enter the model. */
  readonly kept: number | undefined
  /** The length that texts are cut to. */
  readonly maxTokens: number | undefined
}

export type TimedRow = MeasuredRow & Pick<VariantLatency, 'p50Ms' | 'speedup'>

/** The answers of a setting to all examples, and their cost. */
interface Answered extends Pick<MeasuredRow, 'kept' | 'maxTokens'> {
  readonly right: Figure
  /** Multiply-adds for all examples, one by one. */
  readonly flops: number
}

/** All examples through a model that has a thread of its own. */
async function answer(runtime: Runtime, subject: MeasuredSubject, setting: Setting): Promise<Answered> {
  const prepared = await prepare(subject, setting)
  const { model } = setting.kind === 'pruned' ? await prepare(subject, setting, { trace: true }) : prepared
  await using session = await runtime.load(encodeModel(model), { threads: 1, worker: true })
  const outcome: Evaluation = await evaluate(session, prepared.inputs, {
    // More than two long texts fall out of the processor's cache (8 together take 1.2 times as long as 8 alone).
    batchSize: prepared.inputs.lengths === undefined ? 8 : 2,
    layerCount: subject.layers,
    tokens: subject.lengths[0],
  })
  const cut = mean(prepared.lengths.map((length, i) => length / (subject.lengths[i] as number)))
  return {
    right: { got: outcome.correct.map(Number), share: true },
    flops: totalFlops(prepared.model, prepared.lengths),
    kept: outcome.kept && mean(outcome.kept.layers.map((share) => share * cut)),
    maxTokens: prepared.maxTokens,
  }
}

/** Answers of all candidates to all examples; the others are compared with the first. */
export async function measure(
  { runtime, onProgress }: MeasureContext,
  subject: MeasuredSubject,
  candidates: readonly MeasuredCandidate[],
): Promise<MeasuredRow[]> {
  const runs = candidates.flatMap((own) => own.settings.map((setting) => ({ own, setting })))
  const answers = await inParallel(
    runs.map(
      ({ setting }) =>
        () =>
          answer(runtime, subject, setting),
    ),
    (done) => onProgress(`${done} of ${runs.length} models on ${subject.lengths.length} examples`),
  )
  const [dense] = answers as [Answered]
  return candidates.map((own) => {
    const seeds = answers.filter((_, run) => runs[run]?.own === own)
    const [first] = seeds as [Answered]
    const right = meanFigure(seeds.map((seed) => seed.right))
    return {
      ...own,
      accuracy: scaledInterval(figureInterval(right), 100),
      loss: scaledInterval(figureLoss(dense.right, right), 100),
      flops: dense.flops / first.flops,
      kept: first.kept,
      maxTokens: first.maxTokens,
    }
  })
}

/** The same with times: in turns on some examples one by one, each model on one thread of this process. */
export async function measureTimed(
  context: MeasureContext,
  subject: MeasuredSubject,
  candidates: readonly MeasuredCandidate[],
  { examples, ...options }: TurnOptions & { readonly examples: number },
): Promise<TimedRow[]> {
  const rows = await measure(context, subject, candidates)
  context.onProgress('timing, one thread')
  const prepared = await Promise.all(candidates.map(({ settings: [setting] }) => prepare(subject, setting)))
  const timed = stratifiedSample(subject.lengths, examples)
  const feedsOf = await Promise.all(
    prepared.map(({ inputs }) => Promise.all(timed.map((position) => inputs.feeds([position])))),
  )
  const open = prepared.map(
    ({ model }) =>
      () =>
        context.runtime.load(encodeModel(model), { threads: 1 }),
  )
  const { latencies } = await withSessions(open, (sessions) =>
    timeInTurns(sessions, feedsOf[0] ?? [], { ...options, inputsOf: feedsOf }),
  )
  return rows.map((row, i) => {
    const { p50Ms, speedup } = latencies[i] as VariantLatency
    return { ...row, p50Ms, speedup }
  })
}

/**
 * Positions of examples whose lengths are spread as those of all are: the middle of each of `count` equal parts of the
 * examples in order of length.
 */
export function stratifiedSample(lengths: readonly number[], count: number): number[] {
  const order = lengths.map((_, i) => i).sort((a, b) => (lengths[a] as number) - (lengths[b] as number) || a - b)
  const parts = Math.min(count, order.length)
  return Array.from({ length: parts }, (_, i) => order[Math.floor(((i + 0.5) * order.length) / parts)] as number)
}

/** Runs tasks side by side, as many as there are processors, at most four: each model holds its weights. */
async function inParallel<T>(tasks: readonly (() => Promise<T>)[], onDone: (done: number) => void): Promise<T[]> {
  const results = new Array<T>(tasks.length)
  let [next, done] = [0, 0]
  async function work(): Promise<void> {
    while (next < tasks.length) {
      const i = next++
      results[i] = await (tasks[i] as () => Promise<T>)()
      onDone(++done)
    }
  }
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, work))
  return results
}
