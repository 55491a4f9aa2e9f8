import { availableParallelism } from 'node:os'
import { keptCount } from '@tp/core/host'
import type { NamedTensors, Runtime, Session } from '@tp/core/runtime'
import { type Evaluation, evaluate } from '@tp/eval'
import { batches, type ModelInputs } from '@tp/eval/inputs'
import {
  accuracyInterval,
  accuracyLoss,
  type ComparisonOptions,
  comparePaired,
  divergences,
  type Interval,
  keptFractions,
  type VariantLatency,
} from '@tp/eval/metrics'
import { encodeModel } from '@tp/onnx'
import { mean } from 'simple-statistics'
import { limits } from '../files.ts'
import { scheduleFor } from '../registry/methods.ts'
import { type Budget, candidateName, pruned, SEEDS, type Setting } from '../registry/settings.ts'
import type { Context } from '../report/section.ts'
import { batchSizeOf, flopsOf, type Prepared, prepare } from './prepare.ts'
import { feedsOfTurns, type Shape, stratifiedSample } from './shapes.ts'
import type { Subject } from './subject.ts'

/** A row of a table before it is measured. */
export interface Candidate {
  readonly name: string
  /** How it is run; several with other random numbers stand for chance together, of which the first is timed. */
  readonly settings: readonly [Setting, ...Setting[]]
}

export function candidate(setting: Setting, name: string = candidateName(setting)): Candidate {
  return { name, settings: [setting] }
}

/** Random tokens, over five seeds. */
export function chance(budget: Budget): Candidate {
  const [first, ...others] = SEEDS.map((seed) => pruned({ method: 'random', seed }, budget))
  return { name: 'random', settings: [first as Setting, ...others] }
}

/** When a candidate is timed: on some examples one by one, on batches of examples of like length, or of one shape. */
export type TimedAt =
  | { readonly examples: number }
  | { readonly batches: number; readonly of: number }
  | (Shape & { readonly turns: number })

export interface Timing extends Pick<ComparisonOptions, 'rounds' | 'budgetMs'> {
  readonly at: TimedAt
}

/** A candidate, measured on all examples. */
export interface Row extends Candidate {
  /** What the others are compared with. */
  readonly isReference: boolean
  /** Percent, with 95 % interval. */
  readonly accuracy: Interval
  /** Points of accuracy lost against the first candidate, paired by example. */
  readonly loss: Interval
  /** Percent by seed; one number where chance plays no part. */
  readonly seeds: readonly number[]
  /** How often each example is answered right, over the seeds, 0…1. */
  readonly correct: readonly number[]
  /** Percent of examples with the first candidate's answer. */
  readonly agreement: number
  /** Mean Kullback–Leibler divergence from the first candidate, in nats. */
  readonly divergence: number
  /** Multiply-adds of the first candidate over those of this, over all examples one by one. */
  readonly flops: number
  /** Mean over layers and examples of the tokens that enter the FFN, of those that enter the model. */
  readonly kept: number | undefined
  /** What texts are cut to. */
  readonly maxTokens: number | undefined
}

export type TimedRow = Row & Pick<VariantLatency, 'p50Ms' | 'speedup'>

/** Right answers of all candidates on all examples; the first is what the others are compared with. */
export async function measure(
  { runtime, onProgress }: Pick<Context, 'runtime' | 'onProgress'>,
  subject: Subject,
  candidates: readonly Candidate[],
): Promise<Row[]> {
  const runs = candidates.flatMap((own) => own.settings.map((setting) => ({ own, setting })))
  const evaluations = await inParallel(
    runs.map(
      ({ setting }) =>
        async () =>
          evaluateSetting(runtime, subject, await prepare(subject, setting)),
    ),
    (done) => onProgress(`${done} of ${runs.length} models on ${subject.lengths.length} examples`),
  )
  const [reference] = evaluations as [Evaluation]
  const rows: Row[] = []
  let most: number | undefined
  for (const own of candidates) {
    const [setting] = own.settings
    const prepared = await prepare(subject, setting)
    const flops = await flopsOf(runtime, subject, setting, prepared)
    most ??= flops
    const answers = answersOf(
      evaluations.filter((_, i) => runs[i]?.own === own),
      reference,
    )
    const isReference = own === candidates[0]
    const about = { isReference, kept: keptShare(subject, setting, prepared), maxTokens: prepared.maxTokens }
    rows.push({ ...own, ...answers, ...about, flops: most / flops })
  }
  return rows
}

/** The same, with times: alone and in turns, each model on one thread of this process. */
export async function measureTimed(
  context: Pick<Context, 'runtime' | 'onProgress'>,
  subject: Subject,
  candidates: readonly Candidate[],
  timing: Timing,
): Promise<TimedRow[]> {
  const rows = await measure(context, subject, candidates)
  context.onProgress('timing, one thread')
  const times = await timeCandidates(context.runtime, subject, candidates, timing)
  return rows.map((row, i) => {
    const { p50Ms, speedup } = times[i] as VariantLatency
    return { ...row, p50Ms, speedup }
  })
}

/** All examples through a model that has a thread of its own. */
export async function evaluateSetting(
  runtime: Runtime,
  { layers, lengths }: Subject,
  { model, inputs }: Prepared,
  isTraced = false,
): Promise<Evaluation> {
  await using session = await runtime.load(encodeModel(model), { threads: 1, worker: true })
  const traced = isTraced && { layerCount: layers, tokens: lengths[0] }
  return await evaluate(session, inputs, { batchSize: batchSizeOf(inputs), ...traced })
}

/** Right answers of one or several seeds taken together. */
function answersOf(evaluations: readonly Evaluation[], reference: Evaluation) {
  const share = (test: (evaluation: Evaluation, i: number) => boolean): number[] =>
    reference.predictions.map((_, i) => mean(evaluations.map((evaluation) => Number(test(evaluation, i)))))
  const correct = share((evaluation, i) => evaluation.correct[i] as boolean)
  return {
    accuracy: accuracyInterval(correct),
    loss: accuracyLoss(reference.correct.map(Number), correct),
    seeds: evaluations.map(({ accuracy }) => accuracy.estimate),
    correct,
    agreement: 100 * mean(share(({ predictions }, i) => predictions[i] === reference.predictions[i])),
    divergence: mean(divergences(reference, evaluations[0] as Evaluation)),
  }
}

/** From the budget alone, where it gives counts whatever the scores are. */
function keptShare({ lengths, layers }: Subject, setting: Setting, prepared: Prepared): number | undefined {
  if (setting.kind === 'truncated') {
    return mean(prepared.lengths.map((length, i) => length / (lengths[i] as number)))
  }
  if (setting.kind === 'dense' || setting.kind === 'none') return 1
  if (setting.kind !== 'pruned' || setting.budget.keep === undefined) return undefined
  let kept = lengths
  const counts = new Map<number, readonly number[]>()
  for (const [layer, amount] of [...scheduleFor(layers, setting.budget)].sort(([a], [b]) => a - b)) {
    kept = kept.map((count) => keptCount(count, amount) ?? count)
    counts.set(layer, kept)
  }
  return keptFractions(counts, lengths, layers).mean
}

/** Times of all candidates, in their order; the first is what speed-ups refer to. */
export async function timeCandidates(
  runtime: Runtime,
  subject: Subject,
  candidates: readonly Candidate[],
  { at, ...options }: Timing,
): Promise<VariantLatency[]> {
  const prepared: Prepared[] = []
  for (const { settings } of candidates) prepared.push(await prepare(subject, settings[0]))
  const feeds = (inputs: ModelInputs) => feedsAt(subject, inputs, at)
  const inputsOf: Record<string, readonly NamedTensors[]> = {}
  for (const [i, { inputs }] of prepared.entries()) {
    if (inputs !== subject.inputs) inputsOf[i] = await feeds(inputs)
  }
  const files = prepared.map(({ model }) => encodeModel(model))
  return timeFiles(runtime, files, await feeds(subject.inputs), { ...options, inputsOf })
}

/** What models are timed on; the same examples, whatever they are cut to. */
export async function feedsAt(subject: Subject, inputs: ModelInputs, at: TimedAt): Promise<NamedTensors[]> {
  if ('tokens' in at) return feedsOfTurns(inputs, at, at.turns)
  if ('examples' in at) {
    return Promise.all(stratifiedSample(subject.lengths, at.examples).map((position) => inputs.feeds([position])))
  }
  const all = batches(subject.lengths.length, at.of, inputs.lengths)
  const spread = Array.from({ length: at.batches }, (_, i) => Math.floor(((i + 0.5) * all.length) / at.batches))
  return Promise.all(spread.map((i) => inputs.feeds(all[i] as number[])))
}

/** Times models in turns, each on one thread of this process; the first is what speed-ups refer to. */
export async function timeFiles(
  runtime: Runtime,
  files: readonly Uint8Array[],
  inputs: readonly NamedTensors[],
  options: ComparisonOptions,
): Promise<VariantLatency[]> {
  const sessions: Record<string, Session> = {}
  try {
    for (const [i, file] of files.entries()) sessions[i] = await runtime.load(file, { threads: 1 })
    // names are numbers, which objects keep in order
    return Object.values((await comparePaired(sessions, inputs, withinLimits(options))).variants)
  } finally {
    for (const session of Object.values(sessions)) await session.dispose()
  }
}

/** Options of times with the limit of a trial run. */
export function withinLimits<O extends ComparisonOptions>(options: O): O {
  const { budgetMs = Number.POSITIVE_INFINITY } = options
  return { ...options, budgetMs: Math.min(budgetMs, limits.ms) }
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
