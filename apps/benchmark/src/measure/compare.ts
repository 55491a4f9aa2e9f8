import { type Method, none, random, type Schedule, schedule, stride } from '@tp/core'
import type { Runtime } from '@tp/core/runtime'
import type { Evaluation } from '@tp/eval'
import type { ModelInputs } from '@tp/eval/inputs'
import { accuracyInterval, accuracyLoss, type Interval, type Speedup, type VariantLatency } from '@tp/eval/metrics'
import { evaluateFile, inParallel } from './parallel.ts'
import { stratifiedSample } from './sample.ts'
import type { Subject } from './subject.ts'
import { timeFiles } from './time-files.ts'
import { lengthOfEqualCost } from './truncation.ts'
import { dense, pruned, totalFlops, type Variant, withoutDeadTokens } from './variant.ts'

/** The share of its tokens that each of some layers keeps: one for all, or one each. */
export interface Budget {
  readonly keep: number | readonly number[]
  readonly layers: readonly number[]
}

/** What takes tokens away without a score: the end of a text is cut off, or every so many-th patch is left out. */
export type Control = 'truncation' | 'stride'

/** A method at a budget (or the model without one), measured on all examples. */
export interface Line {
  readonly method: string
  readonly keep: Budget['keep']
  readonly kept: number
  /** Percent, with 95 % interval. */
  readonly accuracy: Interval
  /** Points of accuracy lost against dense, paired by example. */
  readonly loss: Interval
  /** Percent by seed; one number where chance plays no part. */
  readonly seeds: readonly number[]
  /** How often each example is answered right, over the seeds, 0…1. */
  readonly correct: readonly number[]
  /** Percent of examples with the dense model's answer. */
  readonly agreement: number
  /** Multiply-adds of dense over those of this, over all examples one by one. */
  readonly flops: number
  readonly p50Ms: number
  /** Over dense. */
  readonly speedup: Speedup
  /** What a control was set to. */
  readonly note?: string
}

export interface ComparisonPlan {
  readonly subject: Subject
  readonly methods: readonly Method[]
  readonly budgets: readonly Budget[]
  /** Others at the last budget, by their names. */
  readonly others?: Readonly<Record<string, Variant>>
  readonly control: Control
  /**
   * Examples that are timed, and for how long at most in ms. A speed-up is a median over rounds, so few examples, which
   * make many rounds, bear disturbances better; examples of one length need but a few.
   */
  readonly timed: { readonly examples: number; readonly budgetMs: number }
  readonly onProgress: (text: string) => void
}

export function scheduleOf({ layerCount }: Subject, { keep, layers }: Budget): Schedule {
  return schedule(layerCount, { keep, layers })
}

/**
 * Dense, dense without its dead tokens, and at each budget the methods, random (5 seeds) and one more control: right
 * answers on all examples, then time on some of them, in turns and alone on one thread.
 */
export async function compare(runtime: Runtime, plan: ComparisonPlan): Promise<Line[]> {
  const { subject, onProgress } = plan
  onProgress('pruning')
  const entries = await entriesOf(plan)
  const runs = entries.flatMap((entry) => entry.files.map((file) => ({ entry, file })))
  let done = 0
  onProgress(`${runs.length} models on ${subject.lengths.length} examples`)
  const evaluations = await inParallel(
    runs.map(({ entry, file }) => async () => {
      const evaluation = await evaluateFile(runtime, file(), entry.inputs)
      done += 1
      if (done % 5 === 0 || done === runs.length) onProgress(`${done} of ${runs.length} evaluated`)
      return evaluation
    }),
  )
  onProgress('timing, one thread')
  const latency = await timeEntries(runtime, entries, plan)
  const [reference] = evaluations as [Evaluation]
  return entries.map((entry, i) => {
    const own = evaluations.filter((_, run) => runs[run]?.entry === entry)
    const { p50Ms, speedup } = latency[i] as VariantLatency
    return { ...aboutOf(entry), ...answersOf(own, reference), p50Ms, speedup }
  })
}

/** The budget of time ends most comparisons earlier. */
const MOST_ROUNDS = 200

/** Of random, besides 0. */
const OTHER_SEEDS: readonly number[] = [1, 2, 3, 4]

interface Entry {
  readonly method: string
  readonly keep: Budget['keep']
  /** One, or one for each seed; pruned when they are needed, while other models run. */
  readonly files: readonly (() => Uint8Array)[]
  readonly inputs: ModelInputs
  readonly kept: number
  readonly flops: number
  readonly note?: string
}

async function entriesOf({ subject, methods, budgets, others = {}, control }: ComparisonPlan): Promise<Entry[]> {
  const whole = withoutDeadTokens(subject)
  const denseFlops = totalFlops(subject.model, subject.lengths)
  const entry = (method: string, keep: Budget['keep'], { file, model, kept }: Variant): Entry => {
    const flops = denseFlops / totalFlops(model, subject.lengths)
    return { method, keep, files: [() => file], inputs: subject.inputs, kept, flops }
  }
  const entries = [entry('dense', 1, dense(subject)), entry(none().name, 1, whole)]
  for (const budget of budgets) {
    const { keep } = budget
    const plan = scheduleOf(subject, budget)
    const cut = (method: Method): Variant => pruned(subject, method, plan)
    const scored = methods.map((method) => entry(method.name, keep, cut(method)))
    const chance = entry(random().name, keep, cut(random({ seed: 0 })))
    const otherSeeds = OTHER_SEEDS.map((seed) => () => cut(random({ seed })).file)
    entries.push(...scored, { ...chance, files: [...chance.files, ...otherSeeds] })
    if (control === 'stride') entries.push(entry(stride().name, keep, cut(stride())))
    else entries.push(await truncationOf(subject, whole, scored[0] as Entry, denseFlops))
  }
  const keep = budgets.at(-1)?.keep ?? 1
  entries.push(...Object.entries(others).map(([name, variant]) => entry(name, keep, variant)))
  return entries
}

/** Texts cut by the tokeniser, so that the model without its dead tokens costs at most what pruning costs. */
async function truncationOf(
  subject: Subject,
  whole: Variant,
  { keep, flops }: Entry,
  denseFlops: number,
): Promise<Entry> {
  const limit = lengthOfEqualCost(whole.model, subject.lengths, denseFlops / flops)
  const inputs = await subject.truncated(limit)
  const lengths = inputs.lengths as readonly number[]
  const shares = lengths.map((length, i) => length / (subject.lengths[i] as number))
  return {
    method: 'truncation',
    keep,
    files: [() => whole.file],
    inputs,
    kept: shares.reduce((sum, share) => sum + share, 0) / shares.length,
    flops: denseFlops / totalFlops(whole.model, lengths),
    note: `first ${limit} tokens`,
  }
}

async function timeEntries(
  runtime: Runtime,
  entries: readonly Entry[],
  { subject, timed }: ComparisonPlan,
): Promise<VariantLatency[]> {
  const positions = stratifiedSample(subject.lengths, timed.examples)
  const feeds = (inputs: ModelInputs) => Promise.all(positions.map((position) => inputs.feeds([position])))
  const common = await feeds(subject.inputs)
  const files = Object.fromEntries(entries.map(({ files }, i) => [i, (files[0] as () => Uint8Array)()]))
  const inputsOf: Record<string, typeof common> = {}
  for (const [i, { inputs }] of entries.entries()) {
    if (inputs !== subject.inputs) inputsOf[i] = await feeds(inputs)
  }
  const { variants } = await timeFiles(runtime, files, common, {
    rounds: MOST_ROUNDS,
    budgetMs: timed.budgetMs,
    inputsOf,
  })
  return entries.map((_, i) => variants[i] as VariantLatency)
}

function aboutOf({
  method,
  keep,
  kept,
  flops,
  note,
}: Entry): Pick<Line, 'method' | 'keep' | 'kept' | 'flops' | 'note'> {
  return { method, keep, kept, flops, ...(note !== undefined && { note }) }
}

/** Right answers of one or several seeds taken together. */
function answersOf(
  evaluations: readonly Evaluation[],
  reference: Evaluation,
): Pick<Line, 'accuracy' | 'loss' | 'seeds' | 'correct' | 'agreement'> {
  const share = (test: (evaluation: Evaluation, i: number) => boolean): number[] =>
    reference.predictions.map(
      (_, i) => evaluations.filter((evaluation) => test(evaluation, i)).length / evaluations.length,
    )
  const correct = share((evaluation, i) => evaluation.correct[i] as boolean)
  const agreeing = share((evaluation, i) => evaluation.predictions[i] === reference.predictions[i])
  return {
    accuracy: accuracyInterval(correct),
    loss: behind(reference.correct.map(Number), correct),
    seeds: evaluations.map(({ accuracy }) => accuracy.estimate),
    correct,
    agreement: (100 * agreeing.reduce((sum, agrees) => sum + agrees, 0)) / agreeing.length,
  }
}

/** Points of accuracy that `other` is behind, paired by example; both give how often each example is answered right. */
export function behind(reference: readonly number[], other: readonly number[]): Interval {
  return accuracyLoss(reference, other)
}
