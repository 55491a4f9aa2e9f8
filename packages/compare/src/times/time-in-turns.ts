import { TpError } from '@tp/core'
import { type AbortSignalLike, type NamedTensors, type Session, throwIfAborted } from '@tp/core/runtime'
import { median } from '@tp/core/statistics'
import { runBatch } from '@tp/data/inputs'
import { pairedSpeedup, quantile, type Speedup } from '@tp/metrics'

export interface TurnOptions {
  /** Most rounds; each runs every variant once on every input. Default 30. */
  readonly rounds?: number | undefined
  /** No round starts that is likely to end after this time in ms, except for the first ones. Default: no limit. */
  readonly budgetMs?: number | undefined
  /** No round starts once the interval of every speed is at most this share of the speed wide. Default: the other limits alone. */
  readonly width?: number | undefined
  /** Inputs of each model, where some cannot take the common ones (texts truncated by the tokenizer); as many, in the same order. */
  readonly inputsOf?: readonly (readonly NamedTensors[] | undefined)[] | undefined
  /** Rounds that are run whatever they take. Default 3: below, a median says little. */
  readonly leastRounds?: number | undefined
  /**
   * Milliseconds so far, of which differences are taken; default: of the wall clock. {@link processorMs} leaves out what other programs
   * take from a busy machine.
   */
  readonly clock?: (() => number) | undefined
  readonly signal?: AbortSignalLike | undefined
  /** Called after every round, with how many there are going to be, as far as the budget lets them. */
  readonly onProgress?: ((done: number, rounds: number) => void) | undefined
  /** The same, with the times so far: by model and round, in ms for all inputs. */
  readonly onRound?: ((roundsMs: readonly (readonly number[])[]) => void) | undefined
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

/** Times of models, in the order of the models. */
export interface TimesInTurns {
  readonly rounds: number
  readonly latencies: readonly VariantLatency[]
}

/** A session whose run is a sequence of others, as where a decoder follows. */
export interface SteppedSession extends Session {
  /** The work of `run`, in steps that take turns with those of the other variants. */
  steps(inputs: NamedTensors): AsyncIterator<unknown>
}

/**
 * Times models against the first of them. All of them run on an input before the next input,
 * step by step if they have steps, and their order changes, so that temporary slowdowns of the machine affect all of them. Meant
 * for sessions of one thread in this thread: others compete with each other, or add their way to a worker.
 *
 * @throws TpError TP_OPTION, TP_ABORTED, and whatever the sessions throw
 */
export async function timeInTurns(
  sessions: readonly (Session | SteppedSession)[],
  inputs: readonly NamedTensors[],
  options: TurnOptions = {},
): Promise<TimesInTurns> {
  const { rounds = 30, budgetMs = Number.POSITIVE_INFINITY, inputsOf = [], leastRounds = LEAST_ROUNDS } = options
  const { width = 0 } = options
  const { signal, onProgress, onRound, clock = () => performance.now() } = options
  const variants = sessions.map((session, i) => ({ session, inputs: inputsOf[i] ?? inputs }))
  check(variants, inputs.length, rounds, budgetMs)
  const start = performance.now()
  for (const { session, inputs } of variants) {
    for (const feeds of evenlySpread(inputs, 8)) {
      throwIfAborted(signal, 'compare')
      await runBatch(session, feeds, undefined)
    }
  }

  const times = variants.map((): number[][] => [])
  let spent = 0
  /** Rounds for which there is time after so many. */
  const affordable = (done: number): number =>
    Math.max(0, Math.floor((budgetMs - (performance.now() - start)) / (spent / done)))
  for (let round = 0; round < rounds; round++) {
    if (round >= leastRounds && (affordable(round) === 0 || areNarrow(times, width))) break
    const roundStart = performance.now()
    for (const ofVariant of times) ofVariant.push([])
    for (let i = 0; i < inputs.length; i++) {
      const turns = order(variants.length, round + i)
      const ms = await stepByStep(
        turns.map((turn) => stepsOf(variants[turn] as TimedVariant, i)),
        clock,
        signal,
      )
      for (const [k, turn] of turns.entries()) times[turn]?.[round]?.push(ms[k] as number)
    }
    spent += performance.now() - roundStart
    onRound?.(times.map((ofVariant) => ofVariant.map(sum)))
    onProgress?.(round + 1, Math.min(rounds, Math.max(leastRounds, round + 1 + affordable(round + 1))))
  }
  return { rounds: times[0]?.length ?? 0, latencies: times.map((own) => summarize(times[0] ?? [], own)) }
}

const LEAST_ROUNDS = 3

/** Intervals of fewer rounds are luck. */
const LEAST_NARROW = 12

/** Whether the intervals of all speeds over the first model are at most so wide, relative to the speed. */
function areNarrow([baseline = [], ...others]: readonly RoundTimes[], width: number): boolean {
  if (width === 0 || baseline.length < LEAST_NARROW) return false
  const base = baseline.map(sum)
  return others.every((own) => {
    const { value, low, high } = pairedSpeedup(base, own.map(sum))
    return high - low <= width * value
  })
}

/**
 * The processor's time of this process in ms, of all its threads: what a session of one thread takes, however busy the machine is. Where
 * there is no such clock (pages), the wall clock's. Of no use for devices that compute by themselves.
 */
export function processorMs(): number {
  const own = (globalThis as { readonly process?: { cpuUsage?(): { readonly user: number; readonly system: number } } })
    .process
  const used = own?.cpuUsage?.()
  return used === undefined ? performance.now() : (used.user + used.system) / 1000
}

interface TimedVariant {
  readonly session: Session | SteppedSession
  readonly inputs: readonly NamedTensors[]
}

function stepsOf({ session, inputs }: TimedVariant, input: number): AsyncIterator<unknown> {
  const feeds = inputs[input] as NamedTensors
  if ('steps' in session) return session.steps(feeds)
  return { next: async () => ({ done: true, value: await session.run(feeds) }) }
}

/** Runs to their ends, one step of each after another. @returns milliseconds of each */
async function stepByStep(
  runs: readonly AsyncIterator<unknown>[],
  clock: () => number,
  signal: AbortSignalLike | undefined,
): Promise<number[]> {
  const ms = runs.map(() => 0)
  const going = new Set(runs.keys())
  while (going.size > 0) {
    for (const run of going) {
      throwIfAborted(signal, 'compare')
      const start = clock()
      const step = await runs[run]?.next()
      ms[run] = (ms[run] as number) + clock() - start
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

/** The numbers from 0 to `count` - 1 from another start each turn, and backwards after every full cycle. */
function order(count: number, turn: number): number[] {
  const rotated = Array.from({ length: count }, (_, i) => (i + turn) % count)
  return Math.floor(turn / count) % 2 === 0 ? rotated : rotated.reverse()
}

/** At most `count` of the items, evenly spaced, first and last among them. */
export function evenlySpread<T>(items: readonly T[], count: number): readonly T[] {
  if (items.length <= count) return items
  return Array.from({ length: count }, (_, i) => items[Math.round((i * (items.length - 1)) / (count - 1))] as T)
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function check(variants: readonly TimedVariant[], count: number, rounds: number, budgetMs: number): void {
  const fail = (message: string): never => {
    throw new TpError('TP_OPTION', 'compare', message)
  }
  if (variants.length === 0) fail('nothing to time: give at least one session')
  if (count === 0) fail('nothing to time on: give at least one set of inputs')
  // The interval's binomial probabilities underflow beyond this.
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 1000)
    fail(`rounds is ${rounds}; give a whole number, 1 to 1000`)
  if (!(budgetMs > 0)) fail(`budgetMs is ${budgetMs}; give a time above 0 in ms`)
  for (const [i, { inputs }] of variants.entries()) {
    if (inputs.length !== count)
      fail(`model ${i} has ${inputs.length} inputs of its own, but there are ${count} common ones`)
  }
}

/** Opens models one after another, and closes all of them when `use` has ended. */
export async function withSessions<S extends AsyncDisposable, T>(
  open: readonly (() => Promise<S>)[],
  use: (sessions: readonly S[]) => Promise<T>,
): Promise<T> {
  const sessions: S[] = []
  try {
    for (const load of open) sessions.push(await load())
    return await use(sessions)
  } finally {
    for (const session of sessions) await session[Symbol.asyncDispose]()
  }
}
