import { TpError } from '@tp/core'
import { type AbortSignalLike, type NamedTensors, type Session, throwIfAborted } from '@tp/core/runtime'
import { median } from '@tp/core/statistics'
import { quantile } from '../summaries/quantile.ts'

export interface ComparisonOptions {
  /** Most rounds; each runs every variant once on every input. Default 30. */
  readonly rounds?: number | undefined
  /** No round starts that is likely to end after this time in ms, except for the first three. Default: no limit. */
  readonly budgetMs?: number | undefined
  /** Inputs of a variant that cannot take the common ones (texts truncated by the tokenizer); as many, in the same order. */
  readonly inputsOf?: Readonly<Record<string, readonly NamedTensors[]>> | undefined
  readonly signal?: AbortSignalLike | undefined
  /** Called after every round, with how many there are going to be, as far as the budget lets them. */
  readonly onProgress?: ((done: number, rounds: number) => void) | undefined
}

export interface VariantLatency {
  /** Time of one run of the model in ms, over all inputs and rounds. */
  readonly p50Ms: number
  readonly p90Ms: number
  /** Time for all inputs once in ms: median over rounds. */
  readonly totalMs: number
  /** The same by round; those of two variants are pairs ({@link pairedSpeedup}). */
  readonly roundsMs: readonly number[]
  /** How many times faster than the first variant. */
  readonly speedup: Speedup
}

export interface Speedup {
  /** Median over rounds of (first variant's time for all inputs) / (this variant's time in the same round). */
  readonly value: number
  /** Interval that covers the true median with 95 % probability; with fewer than 6 rounds, the extremes. */
  readonly low: number
  readonly high: number
}

export interface Comparison {
  readonly rounds: number
  readonly variants: Readonly<Record<string, VariantLatency>>
}

/** A session whose run is a sequence of others, as where a decoder follows. */
export interface SteppedSession extends Session {
  /** The work of `run`, in steps that take turns with those of the other variants. */
  steps(inputs: NamedTensors): AsyncIterator<unknown>
}

/**
 * Times variants of a model against the first of them. All variants run on an input before the next input,
 * step by step if they have steps, and their order changes, so that temporary slowdowns of the machine affect all of them. Meant
 * for sessions of one thread in this thread: others compete with each other, or add their way to a worker.
 *
 * @throws TpError TP_OPTION, TP_ABORTED, and whatever the sessions throw
 */
export async function comparePaired(
  sessions: Readonly<Record<string, Session | SteppedSession>>,
  inputs: readonly NamedTensors[],
  options: ComparisonOptions = {},
): Promise<Comparison> {
  const { rounds = 30, budgetMs = Number.POSITIVE_INFINITY, inputsOf = {}, signal, onProgress } = options
  const variants = Object.entries(sessions).map(([name, session]) => ({
    name,
    session,
    inputs: inputsOf[name] ?? inputs,
  }))
  check(variants, inputs.length, rounds, budgetMs)
  for (const name of Object.keys(inputsOf)) {
    if (!Object.hasOwn(sessions, name))
      throw new TpError('TP_OPTION', 'metrics', `inputsOf names ${name}, which is not timed`)
  }
  const start = performance.now()
  for (const { session, inputs } of variants) {
    for (const feeds of spread(inputs, 8)) {
      throwIfAborted(signal, 'metrics')
      await session.run(feeds)
    }
  }

  const times = variants.map((): number[][] => [])
  let spent = 0
  /** Rounds for which there is time after so many. */
  const affordable = (done: number): number =>
    Math.max(0, Math.floor((budgetMs - (performance.now() - start)) / (spent / done)))
  for (let round = 0; round < rounds; round++) {
    if (round >= leastRounds && affordable(round) === 0) break
    const roundStart = performance.now()
    for (const ofVariant of times) ofVariant.push([])
    for (let i = 0; i < inputs.length; i++) {
      const turns = order(variants.length, round + i)
      const ms = await timeInTurns(
        turns.map((turn) => stepsOf(variants[turn] as TimedVariant, i)),
        signal,
      )
      for (const [k, turn] of turns.entries()) times[turn]?.[round]?.push(ms[k] as number)
    }
    spent += performance.now() - roundStart
    onProgress?.(round + 1, Math.min(rounds, Math.max(leastRounds, round + 1 + affordable(round + 1))))
  }
  const latencies = variants.map(({ name }, i) => [name, summarize(times[0] ?? [], times[i] ?? [])] as const)
  return { rounds: times[0]?.length ?? 0, variants: Object.fromEntries(latencies) }
}

/** Below this many rounds a median says little; a budget does not go lower. */
const leastRounds = 3

interface TimedVariant {
  readonly name: string
  readonly session: Session | SteppedSession
  readonly inputs: readonly NamedTensors[]
}

function stepsOf({ session, inputs }: TimedVariant, input: number): AsyncIterator<unknown> {
  const feeds = inputs[input] as NamedTensors
  if ('steps' in session) return session.steps(feeds)
  return { next: async () => ({ done: true, value: await session.run(feeds) }) }
}

/** Runs to their ends, one step of each after another. @returns milliseconds of each */
async function timeInTurns(
  runs: readonly AsyncIterator<unknown>[],
  signal: AbortSignalLike | undefined,
): Promise<number[]> {
  const ms = runs.map(() => 0)
  const going = new Set(runs.keys())
  while (going.size > 0) {
    for (const run of going) {
      throwIfAborted(signal, 'metrics')
      const start = performance.now()
      const step = await runs[run]?.next()
      ms[run] = (ms[run] as number) + performance.now() - start
      if (step?.done) going.delete(run)
    }
  }
  return ms
}

/** Times by round and input in ms. */
type RoundTimes = readonly (readonly number[])[]

function summarize(baseline: RoundTimes, variant: RoundTimes): VariantLatency {
  const roundsMs = variant.map(sum)
  const all = variant.flat()
  return {
    p50Ms: quantile(all, 0.5),
    p90Ms: quantile(all, 0.9),
    totalMs: median(roundsMs),
    roundsMs,
    speedup: pairedSpeedup(baseline.map(sum), roundsMs),
  }
}

/** How many times faster one variant is than another, from their times in the same rounds ({@link VariantLatency.roundsMs}). */
export function pairedSpeedup(baselineMs: readonly number[], variantMs: readonly number[]): Speedup {
  if (baselineMs.length !== variantMs.length || baselineMs.length === 0) {
    const counts = `${baselineMs.length} and ${variantMs.length}`
    throw new TpError('TP_OPTION', 'metrics', `times of ${counts} rounds do not pair; give those of one comparison`)
  }
  const ratios = variantMs.map((ms, round) => (baselineMs[round] as number) / ms)
  return { value: median(ratios), ...medianInterval(ratios) }
}

/**
 * 95 % confidence interval of the median by order statistics, free of assumptions about the distribution: the k-th
 * smallest and k-th largest, where k is the largest with P(Binomial(n, ½) < k) ≤ 2.5 % (at least 1).
 */
export function medianInterval(values: readonly number[]): { readonly low: number; readonly high: number } {
  const sorted = values.toSorted((a, b) => a - b)
  const n = sorted.length
  let k = 0
  let probability = 0.5 ** n
  for (let tail = probability; tail <= 0.025; tail += probability) {
    k += 1
    probability *= (n - k + 1) / k
  }
  const rank = Math.max(k, 1)
  return { low: sorted[rank - 1] ?? Number.NaN, high: sorted[n - rank] ?? Number.NaN }
}

/** The numbers from 0 to `count` - 1 from another start each turn, and backwards after every full cycle. */
function order(count: number, turn: number): number[] {
  const rotated = Array.from({ length: count }, (_, i) => (i + turn) % count)
  return Math.floor(turn / count) % 2 === 0 ? rotated : rotated.reverse()
}

/** At most `count` of the items, evenly spaced, first and last among them. */
function spread<T>(items: readonly T[], count: number): readonly T[] {
  if (items.length <= count) return items
  return Array.from({ length: count }, (_, i) => items[Math.round((i * (items.length - 1)) / (count - 1))] as T)
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function check(variants: readonly TimedVariant[], count: number, rounds: number, budgetMs: number): void {
  const fail = (message: string): never => {
    throw new TpError('TP_OPTION', 'metrics', message)
  }
  if (variants.length === 0) fail('nothing to time: give at least one session')
  if (count === 0) fail('nothing to time on: give at least one set of inputs')
  // The interval's binomial probabilities underflow beyond this.
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 1000)
    fail(`rounds is ${rounds}; give a whole number, 1 to 1000`)
  if (!(budgetMs > 0)) fail(`budgetMs is ${budgetMs}; give a time above 0 in ms`)
  for (const { name, inputs } of variants) {
    if (inputs.length !== count)
      fail(`${name} has ${inputs.length} inputs of its own, but there are ${count} common ones`)
  }
}
