import { type Method, none, type Runtime, random, schedule, stride } from '@tp/core'
import { bootstrapMean, type Evaluation, type Interval, type ModelInputs, type VariantLatency } from '@tp/eval'
import { clsAttention, receivedAttention, valueWeighted } from '@tp/method-attention'
import { evaluateFile, inParallel } from '../measure/parallel.ts'
import { stratifiedSample } from '../measure/sample.ts'
import type { Subject } from '../measure/subject.ts'
import { timeFiles } from '../measure/time-files.ts'
import { lengthOfEqualCost } from '../measure/truncation.ts'
import { dense, pruned, totalFlops, type Variant, withoutDeadTokens } from '../measure/variant.ts'

/** The share of its tokens that each of some blocks keeps. */
export interface Budget {
  readonly keep: number
  readonly layers: readonly number[]
}

/** What is left out to compare with, where no score is asked: the end of a text, or every so many-th patch. */
export type Control = 'truncation' | 'stride'

/** One line of the quick start's table, with its right answers to compare by. */
export interface Line {
  readonly method: string
  readonly keep: number
  readonly kept: number
  /** Percent, with 95 % interval. */
  readonly accuracy: Interval
  /** Percent by seed; one number where chance plays no part. */
  readonly seeds: readonly number[]
  /** How often each example is answered right, over the seeds, 0…1. */
  readonly correct: readonly number[]
  /** Percent of examples with the dense model's answer. */
  readonly agreement: number
  /** Factors over dense. */
  readonly flops: number
  readonly speedup: number
  readonly p50Ms: number
  /** What a control was set to, for the reader. */
  readonly note?: string
}

interface Entry {
  readonly method: string
  readonly keep: number
  readonly variants: readonly Variant[]
  readonly inputs: ModelInputs
  readonly kept: number
  readonly flops: number
  readonly note?: string
}

export interface ComparisonPlan {
  readonly subject: Subject
  readonly budgets: readonly Budget[]
  readonly control: Control
  /** Examples that are timed, and for how long at most in ms. */
  readonly timed: { readonly examples: number; readonly budgetMs: number }
  readonly onProgress: (text: string) => void
}

/** Accuracy on all examples, then time on some of them, alone on one thread. */
export async function compare(runtime: Runtime, plan: ComparisonPlan): Promise<Line[]> {
  const { subject, onProgress } = plan
  onProgress('pruning')
  const entries = await entriesOf(plan)
  const runs = entries.flatMap((entry) => entry.variants.map(({ file }) => ({ entry, file })))
  let done = 0
  onProgress(`${runs.length} models on ${subject.lengths.length} examples`)
  const evaluations = await inParallel(
    runs.map(({ entry, file }) => async () => {
      const evaluation = await evaluateFile(runtime, file, entry.inputs)
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
    return { ...about(entry), ...answersOf(own, reference), ...(latency[i] as Latency) }
  })
}

const SEEDS: readonly number[] = [0, 1, 2, 3, 4]

const methods: readonly (() => Method)[] = [receivedAttention, clsAttention, valueWeighted]

async function entriesOf({ subject, budgets, control }: ComparisonPlan): Promise<Entry[]> {
  const whole = withoutDeadTokens(subject)
  const denseFlops = totalFlops(subject.model, subject.lengths)
  const entry = (method: string, keep: number, variants: readonly Variant[]): Entry => {
    const [{ model, kept }] = variants as [Variant]
    const flops = denseFlops / totalFlops(model, subject.lengths)
    return { method, keep, variants, inputs: subject.inputs, kept, flops }
  }
  const entries = [entry('dense', 1, [dense(subject)]), entry(none().name, 1, [whole])]
  for (const { keep, layers } of budgets) {
    const plan = schedule(subject.blocks, { keep, layers })
    const cut = (method: Method): Variant => pruned(subject, method, plan)
    const scored = methods.map((create) => entry(create().name, keep, [cut(create())]))
    const chance = SEEDS.map((seed) => cut(random({ seed })))
    entries.push(...scored, entry(random().name, keep, chance))
    if (control === 'stride') entries.push(entry(stride().name, keep, [cut(stride())]))
    else entries.push(await truncationOf(subject, whole, keep, scored[0] as Entry, denseFlops))
  }
  return entries
}

/** Texts cut by the tokeniser, so that the model without its dead tokens costs at most what pruning costs. */
async function truncationOf(
  subject: Subject,
  whole: Variant,
  keep: number,
  { flops }: Entry,
  denseFlops: number,
): Promise<Entry> {
  const limit = lengthOfEqualCost(whole.model, subject.lengths, denseFlops / flops)
  const inputs = await subject.truncated(limit)
  const lengths = inputs.lengths as readonly number[]
  const shares = lengths.map((length, i) => length / (subject.lengths[i] as number))
  return {
    method: 'truncation',
    keep,
    variants: [whole],
    inputs,
    kept: shares.reduce((sum, share) => sum + share, 0) / shares.length,
    flops: denseFlops / totalFlops(whole.model, lengths),
    note: `first ${limit} tokens`,
  }
}

type Latency = Pick<Line, 'p50Ms' | 'speedup'>

async function timeEntries(runtime: Runtime, entries: readonly Entry[], plan: ComparisonPlan): Promise<Latency[]> {
  const positions = stratifiedSample(plan.subject.lengths, plan.timed.examples)
  const feeds = (inputs: ModelInputs) => Promise.all(positions.map((position) => inputs.feeds([position])))
  const common = await feeds(plan.subject.inputs)
  const files = Object.fromEntries(entries.map(({ variants }, i) => [i, (variants[0] as Variant).file]))
  const inputsOf: Record<string, typeof common> = {}
  for (const [i, { inputs }] of entries.entries()) {
    if (inputs !== plan.subject.inputs) inputsOf[i] = await feeds(inputs)
  }
  const { budgetMs } = plan.timed
  const { variants } = await timeFiles(runtime, files, common, { budgetMs, inputsOf })
  return entries.map((_, i) => {
    const { p50Ms, speedup } = variants[i] as VariantLatency
    return { p50Ms, speedup: speedup.value }
  })
}

function about({ method, keep, kept, flops, note }: Entry): Pick<Line, 'method' | 'keep' | 'kept' | 'flops' | 'note'> {
  return { method, keep, kept, flops, ...(note !== undefined && { note }) }
}

/** Right answers of one or several seeds taken together. */
function answersOf(
  evaluations: readonly Evaluation[],
  { predictions }: Evaluation,
): Pick<Line, 'accuracy' | 'seeds' | 'correct' | 'agreement'> {
  const share = (test: (evaluation: Evaluation, i: number) => boolean): number[] =>
    predictions.map((_, i) => evaluations.filter((evaluation) => test(evaluation, i)).length / evaluations.length)
  const correct = share((evaluation, i) => evaluation.correct[i] as boolean)
  const agreeing = share((evaluation, i) => evaluation.predictions[i] === predictions[i])
  return {
    accuracy: bootstrapMean(correct.map((right) => 100 * right)),
    seeds: evaluations.map(({ accuracy }) => accuracy.estimate),
    correct,
    agreement: (100 * agreeing.reduce((sum, agrees) => sum + agrees, 0)) / agreeing.length,
  }
}
