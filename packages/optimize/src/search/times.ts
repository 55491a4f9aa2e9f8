import { processorMs, timeInTurns, withSessions } from '@tp/compare'
import type { NamedTensors, Runtime } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/data/inputs'
import { quantile, type Speedup } from '@tp/metrics'
import type { Model } from '@tp/onnx'
import type { Measurer } from '../measurer.ts'
import type { Shape } from '../options.ts'
import { type Candidate, pruningOf } from './candidate.ts'
import { timedInputs } from './timed-inputs.ts'

/** Where candidates are timed, and on what. */
export interface CandidateTiming {
  readonly measurer: Measurer
  readonly model: Model
  readonly device: Runtime
  readonly feeds: readonly NamedTensors[]
  /** Smaller batches of the same kind, where those would take too much of the search; else the very same. */
  readonly quickFeeds: readonly NamedTensors[]
  /** A text that says what the feeds are. */
  readonly key: string
}

type Subject = Pick<Candidate, 'variant' | 'shares'>

/** Texts of this many lengths stand for all, one by one. */
const LENGTHS = 6

/** Most shapes that are timed. */
const MOST_SHAPES = 4

/**
 * The runs that candidates are timed on: those of the shapes; by default examples one by one, texts at lengths that represent all. A
 * shape without tokens is a batch of examples as they are.
 * @param positions the most of a run in the search, tokens with padding, or examples without lengths
 */
export async function timedFeeds(
  inputs: ModelInputs,
  shapes: readonly Shape[] | undefined,
  positions: number = Number.POSITIVE_INFINITY,
): Promise<Pick<CandidateTiming, 'feeds' | 'quickFeeds' | 'key'>> {
  if (shapes === undefined) {
    const rows = inputs.lengths === undefined ? [0, 1, 2, 3] : rowsByLength(inputs.lengths, LENGTHS)
    const feeds = await Promise.all(rows.map((row) => inputs.feeds([row])))
    return { feeds, quickFeeds: feeds, key: 'one by one' }
  }
  const some = shapes.filter((_, i) => i % Math.ceil(shapes.length / MOST_SHAPES) === 0)
  const runs = some.map((shape) => (shape.tokens === undefined ? batchOf(inputs, shape.batch) : shape))
  const quickRuns = runs.map((run) => affordable(run, inputs.lengths, positions / runs.length))
  const feedsOf = (own: readonly (readonly number[] | Shape)[]): Promise<NamedTensors[]> =>
    Promise.all(own.map((run) => ('batch' in run ? timedInputs(inputs, run) : inputs.feeds(run))))
  const feeds = await feedsOf(runs)
  return {
    feeds,
    quickFeeds: quickRuns.every((run, i) => run === runs[i]) ? feeds : await feedsOf(quickRuns),
    key: some.map(({ batch, tokens }) => (tokens === undefined ? `${batch}` : `${batch}x${tokens}`)).join(' '),
  }
}

/** Examples from all over the set, as they are. */
function batchOf({ targets: { length: count } }: ModelInputs, batch: number): number[] {
  return Array.from({ length: batch }, (_, i) => Math.floor((i * count) / batch) % count)
}

/**
 * A run of at most so many positions, or the very run, if it has no more. Of rows those of all lengths are left, the longest
 * among them, so that about as much is padding.
 */
function affordable(
  run: readonly number[] | Shape,
  lengths: readonly number[] | undefined,
  positions: number,
): readonly number[] | Shape {
  const tokens = 'batch' in run ? (run.tokens ?? 1) : Math.max(...run.map((row) => lengths?.[row] ?? 1))
  const batch = 'batch' in run ? run.batch : run.length
  const most = Math.max(1, Math.floor(positions / tokens))
  if (batch <= most) return run
  if ('batch' in run) return { ...run, batch: most }
  const byLength = run.toSorted((a, b) => (lengths?.[a] ?? 1) - (lengths?.[b] ?? 1))
  return Array.from({ length: most }, (_, i) => byLength[Math.ceil(((i + 1) * batch) / most) - 1] as number)
}

function rowsByLength(lengths: readonly number[], count: number): number[] {
  const targets = Array.from({ length: count }, (_, i) => quantile([...lengths], (i + 0.5) / count))
  const nearest = targets.map((length) => {
    const far = lengths.map((own) => Math.abs(own - length))
    return far.indexOf(Math.min(...far))
  })
  return [...new Set(nearest)]
}

/**
 * Small models get many rounds: the median of few is wrong by a tenth now and then. Of large ones two have to do: a run of a second in time of
 * the processor varies little, and the search has more to try.
 */
const QUICK = { rounds: 80, budgetMs: 2500, leastRounds: 2, width: 0.02 }
const CAREFUL = { rounds: 250, budgetMs: 8000 }

/**
 * Most positions (batch · tokens) of the sessions that are open together: a session keeps the memory of its largest run, about 1 GB for a
 * model of MiniLM's size at 32 × 512.
 */
const OPEN_POSITIONS = 32_768

/** Candidates whose sessions may be open together with that of the reference, at least one. An image or a sound counts as a text of 256 tokens. */
export function openAtOnce(feeds: readonly NamedTensors[]): number {
  const positions = feeds
    .flatMap((one) => Object.values(one))
    .map(({ type, dims: [batch = 1, tokens = 1] }) => batch * (type.startsWith('int') ? tokens : 256))
  return Math.max(1, Math.floor(OPEN_POSITIONS / Math.max(...positions)) - 1)
}

/**
 * The times of candidates at the feeds relative to that of another one, all in turns, with 95 % intervals of the speed.
 * @param reference undefined: the dense model, dead tokens included
 */
export async function timesInTurns(
  timing: CandidateTiming,
  reference: Subject | undefined,
  candidates: readonly Subject[],
  isCareful = false,
): Promise<readonly Speedup[]> {
  const most = openAtOnce(isCareful ? timing.feeds : timing.quickFeeds)
  const speeds: Speedup[] = []
  for (let start = 0; start < candidates.length; start += most)
    speeds.push(...(await timesOfOpen(timing, reference, candidates.slice(start, start + most), isCareful)))
  return speeds
}

/** The same with all sessions open at once. */
async function timesOfOpen(
  timing: CandidateTiming,
  reference: Subject | undefined,
  candidates: readonly Subject[],
  isCareful: boolean,
): Promise<readonly Speedup[]> {
  const { measurer, model, device, key } = timing
  const feeds = isCareful ? timing.feeds : timing.quickFeeds
  const nameOf = (subject: Subject | undefined): string =>
    subject === undefined ? 'dense' : `${subject.variant.name} ${subject.shares.join(' ')}`
  const names = candidates.map(nameOf).join(', ')
  const of = `times ${device.name} ${key}${isCareful ? ' carefully' : ''} ${nameOf(reference)}: ${names}`
  const numbers = await measurer.measure(of, async () => {
    const open = [reference, ...candidates].map(
      (subject) => () =>
        subject === undefined ? measurer.loadDense(device, model) : measurer.load(device, model, pruningOf(subject)),
    )
    return await withSessions(open, async (sessions) => {
      const budget = isCareful ? CAREFUL : QUICK
      const { latencies } = await timeInTurns(sessions, feeds, {
        ...budget,
        clock: clockOf(device),
        signal: measurer.signal,
      })
      return latencies.slice(1).flatMap(({ speedup: { value, low, high } }) => [value, low, high])
    })
  })
  return candidates.map((_, i) => {
    const [value = 1, low = 1, high = 1] = numbers.slice(3 * i)
    return { value, low, high }
  })
}

/** Sessions of one thread are timed by the processor's time, which a busy machine does not change; a GPU works by itself. */
export function clockOf({ name }: Pick<Runtime, 'name'>): (() => number) | undefined {
  return ['node', 'native', 'wasm'].includes(name) ? processorMs : undefined
}
