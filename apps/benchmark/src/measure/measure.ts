import { availableParallelism } from 'node:os'
import type { Outcome, VariantLatency } from '@tp/compare'
import type { Runtime } from '@tp/core/runtime'
import { type Figure, figureInterval, figureLoss, type Interval, meanFigure, scaledInterval } from '@tp/metrics'
import { encodeModel } from '@tp/onnx'
import { mean } from 'simple-statistics'
import type { MetricFigures } from '../registry/metrics.ts'
import { candidateName, pruned, SEEDS, type Setting, type SettingBudget } from '../registry/settings.ts'
import type { SectionContext } from '../report/section.ts'
import { batchSizeOf, flopsOf, prepare } from './prepare.ts'
import type { MeasuredSubject } from './subject.ts'
import { type Timing, timeCandidates, timerOf } from './times.ts'

/** A row of a table before it is measured. */
export interface MeasuredCandidate {
  readonly name: string
  /** How it is run; several with other random numbers stand for chance together, of which the first is timed. */
  readonly settings: readonly [Setting, ...Setting[]]
}

export function candidate(setting: Setting, name: string = candidateName(setting)): MeasuredCandidate {
  return { name, settings: [setting] }
}

/** Random tokens, over five seeds. */
export function chance(budget: SettingBudget): MeasuredCandidate {
  const [first, ...others] = SEEDS.map((seed) => pruned({ method: 'random', seed }, budget))
  return { name: 'random', settings: [first as Setting, ...others] }
}

/** The answers of a setting to all examples, and their cost. */
export interface Answered {
  readonly outcome: Outcome
  /** Multiply-adds for all examples, one by one. */
  readonly flops: number
  /** By layer: tokens that enter the FFN, of those that enter the model. */
  readonly kept: readonly number[] | undefined
  /** The length that texts are cut to. */
  readonly maxTokens: number | undefined
}

/** All examples through a model that has a thread of its own. */
export async function ask(runtime: Runtime, subject: MeasuredSubject, setting: Setting): Promise<Answered> {
  const { layers, lengths } = subject
  const prepared = await prepare(subject, setting)
  const { inputs, maxTokens } = prepared
  const prunes = setting.kind === 'pruned' || setting.kind === 'learned'
  const { model } = prunes ? await prepare(subject, setting, { trace: true }) : prepared
  await using session = await runtime.load(encodeModel(model), { threads: 1, worker: true })
  // a model with fewer layers does not say which are left
  const traced = setting.kind !== 'shallow' && { layerCount: layers, tokens: lengths[0] }
  const outcome = await subject.metric.run(session, inputs, { batchSize: batchSizeOf(inputs), ...traced })
  const cut = mean(prepared.lengths.map((length, i) => length / (lengths[i] as number)))
  return {
    outcome,
    flops: await flopsOf(runtime, subject, setting, prepared),
    kept: outcome.kept?.layers.map((share) => share * cut),
    maxTokens,
  }
}

/** A candidate, measured on all examples. */
export interface MeasuredRow extends MeasuredCandidate, Pick<Answered, 'maxTokens'> {
  /** The reference of the others. */
  readonly isReference: boolean
  /** By example, means over the seeds. */
  readonly figures: MetricFigures
  /** The first figure: in percent by seed, and points lost against the first candidate, paired by example. */
  readonly seeds: readonly number[]
  readonly loss: Interval
  /** Multiply-adds of the first candidate over those of this. */
  readonly flops: number
  /** Mean over layers and examples of the tokens that enter the FFN, of those that enter the model. */
  readonly kept: number | undefined
}

export type TimedRow = MeasuredRow & Pick<VariantLatency, 'p50Ms' | 'speedup'>

/** A figure of a row over all examples, in percent or points, or as it is. */
export function figureOf({ figures }: MeasuredRow, name: string, scale = 100): Interval {
  return scaledInterval(figureInterval(figures[name] as Figure), scale)
}

/** A row as it is kept: figures over all examples. */
export function kept<R extends MeasuredRow>({
  figures,
  ...row
}: R): Omit<R, 'figures'> & {
  readonly figures: Readonly<Record<string, Interval>>
} {
  const all = Object.entries(figures).map(([name, figure]) => [name, figureInterval(figure)] as const)
  return { ...row, figures: Object.fromEntries(all) }
}

/** Answers of all candidates to all examples; the first is what the others are compared with. */
export async function measure(
  { runtime, onProgress }: Pick<SectionContext, 'runtime' | 'onProgress'>,
  subject: MeasuredSubject,
  candidates: readonly MeasuredCandidate[],
): Promise<MeasuredRow[]> {
  const runs = candidates.flatMap((own) => own.settings.map((setting) => ({ own, setting })))
  const answers = await inParallel(
    runs.map(
      ({ setting }) =>
        () =>
          ask(runtime, subject, setting),
    ),
    (done) => onProgress(`${done} of ${runs.length} models on ${subject.lengths.length} examples`),
  )
  const [dense] = answers as [Answered]
  const seedOf = (answered: Answered): Seed => ({
    ...answered,
    figures: subject.metric.figures(answered.outcome, dense.outcome),
  })
  return candidates.map((own) => {
    const seeds = answers.filter((_, run) => runs[run]?.own === own).map(seedOf)
    return { ...rowOf(own, seeds, seedOf(dense)), isReference: own === candidates[0] }
  })
}

/** The outcome of one run of a candidate. */
export interface Seed extends Pick<Answered, 'flops' | 'kept' | 'maxTokens'> {
  readonly figures: MetricFigures
}

/** A candidate's row from its runs; `dense` is what it is compared with. */
export function rowOf(
  own: MeasuredCandidate,
  seeds: readonly Seed[],
  dense: Pick<Seed, 'figures' | 'flops'>,
): MeasuredRow {
  const [first] = seeds as [Seed]
  const figures = meanFigures(seeds.map((seed) => seed.figures))
  return {
    ...own,
    isReference: false,
    figures,
    seeds: seeds.map((seed) => 100 * figureInterval(firstOf(seed.figures)).estimate),
    loss: lossOf(dense.figures, figures),
    flops: dense.flops / first.flops,
    kept: first.kept && mean([...first.kept]),
    maxTokens: first.maxTokens,
  }
}

export function meanFigures(seeds: readonly MetricFigures[]): MetricFigures {
  const names = Object.keys(seeds[0] ?? {})
  return Object.fromEntries(names.map((name) => [name, meanFigure(seeds.map((seed) => seed[name] as Figure))]))
}

/** Points of the first figure lost against a reference, paired by example. */
export function lossOf(reference: MetricFigures, own: MetricFigures): Interval {
  return scaledInterval(figureLoss(firstOf(reference), firstOf(own)), 100)
}

function firstOf(figures: MetricFigures): Figure {
  return Object.values(figures)[0] as Figure
}

/** The same, with times: alone and in turns, each model on one thread of this process. */
export async function measureTimed(
  context: Pick<SectionContext, 'runtime' | 'onProgress'>,
  subject: MeasuredSubject,
  candidates: readonly MeasuredCandidate[],
  timing: Timing,
): Promise<TimedRow[]> {
  const rows = await measure(context, subject, candidates)
  context.onProgress('timing, one thread')
  const settings = candidates.map((own) => own.settings[0])
  const times = await timeCandidates(timerOf(context.runtime), subject, settings, timing)
  return rows.map((row, i) => {
    const { p50Ms, speedup } = times[i] as VariantLatency
    return { ...row, p50Ms, speedup }
  })
}

/** At most so many models at once, whatever the machine has: each holds its weights. */
const MOST = 4

/** Runs tasks next to each other, as many as there are processors; results in the order of the tasks. */
export async function inParallel<T>(
  tasks: readonly (() => Promise<T>)[],
  onDone: (done: number) => void = () => {},
): Promise<T[]> {
  const results = new Array<T>(tasks.length)
  let [next, done] = [0, 0]
  async function work(): Promise<void> {
    while (next < tasks.length) {
      const i = next++
      results[i] = await (tasks[i] as () => Promise<T>)()
      onDone(++done)
    }
  }
  await Promise.all(Array.from({ length: Math.min(MOST, availableParallelism()) }, work))
  return results
}
