import { isTpError, TpError } from '@tp/core'
import {
  checkKnownOptions,
  type Diagnosis,
  type NamedTensors,
  openSession,
  type Runtime,
  type Session,
  type SessionOptions,
} from '@tp/core/runtime'
import { median } from '@tp/core/statistics'

/** One way to run a model; its options override those of `load`. */
export interface RuntimeCandidate extends Pick<SessionOptions, 'threads' | 'worker'> {
  readonly runtime: Runtime
}

/** The outcome of a candidate. */
export interface RuntimeTrial {
  readonly candidate: RuntimeCandidate
  /** Median time of a run; undefined if it was not measured, because it failed or because it was the only candidate. */
  readonly ms: number | undefined
  /** Why it cannot be used. */
  readonly problem: Error | undefined
}

export interface AutoOptions {
  /** Called once for each model, when its runtime is known. */
  readonly onChoice?: (chosen: RuntimeCandidate, trials: readonly RuntimeTrial[]) => void
}

/** Runs that are measured of each candidate, unless they take longer than the budget altogether. */
const ROUNDS = 5
const BUDGET_MS = 500

/**
 * The fastest of several ways to run a model, found by measuring: which one that is depends on the model, the size of
 * its inputs and the device. Every candidate loads the model; the first run is repeated on each, with the caller's own
 * inputs, and the slower ones are disposed of. Candidates that fail drop out.
 */
export function autoRuntime(candidates: readonly RuntimeCandidate[], autoOptions: AutoOptions = {}): Runtime {
  checkKnownOptions('runtime-web: auto', autoOptions, ['onChoice'])
  const { onChoice } = autoOptions
  if (candidates.length === 0) throw new TpError('TP_OPTION', 'runtime-web: auto', 'give at least one candidate')

  async function load(model: Uint8Array | string, options: SessionOptions = {}): Promise<Session> {
    const entries = await loadAll(candidates, model, options)
    const where = `runtime-web: auto, ${typeof model === 'string' ? model : `model of ${model.byteLength} bytes`}`
    const [first] = open(entries)
    let chosen: Session | undefined

    async function choose(entry: Entry): Promise<void> {
      chosen = entry.session
      await Promise.all(open(entries).map((other) => (other === entry ? undefined : other.session.dispose())))
      onChoice?.(
        entry.candidate,
        entries.map(({ candidate, times, problem }) => ({
          candidate,
          ms: times.length === 0 ? undefined : median(times),
          problem,
        })),
      )
    }

    if (open(entries).length === 1) await choose(first as Entry)
    const { inputs, outputs } = (first as Entry).session
    return openSession(where, {
      inputs,
      outputs,
      async run(feeds) {
        if (chosen !== undefined) return chosen.run(feeds)
        const { entry, results } = await fastest(open(entries), feeds)
        await choose(entry)
        return results
      },
      endProfile: async () => chosen?.endProfile(),
      async close() {
        await Promise.all(open(entries).map(({ session }) => session.dispose()))
      },
    })
  }

  async function diagnose(): Promise<Diagnosis> {
    const all = await Promise.all(candidates.map(({ runtime }) => runtime.diagnose()))
    const [first] = all as [Diagnosis, ...Diagnosis[]]
    return {
      ...first,
      threads: Math.max(...all.map(({ threads }) => threads)),
      runtime: `the fastest of ${candidates.map(nameOf).join('; ')}`,
      notes: [...new Set(all.flatMap(({ runtime, notes }) => notes.map((note) => `${runtime}: ${note}`)))],
    }
  }

  return Object.freeze({ name: 'auto', load, diagnose })
}

interface Entry {
  readonly candidate: RuntimeCandidate
  readonly session: Session
  readonly times: number[]
  problem: Error | undefined
}

/** Entries that still have a session that works. */
function open(entries: readonly (Entry | Failed)[]): Entry[] {
  return entries.filter((entry): entry is Entry => entry.session !== undefined && entry.problem === undefined)
}

interface Failed {
  readonly candidate: RuntimeCandidate
  readonly session: undefined
  readonly times: readonly number[]
  readonly problem: Error
}

async function loadAll(
  candidates: readonly RuntimeCandidate[],
  model: Uint8Array | string,
  options: SessionOptions,
): Promise<(Entry | Failed)[]> {
  const entries: (Entry | Failed)[] = []
  for (const candidate of candidates) {
    const { runtime, ...own } = candidate
    try {
      const session = await runtime.load(model, { ...options, ...own })
      entries.push({ candidate, session, times: [], problem: undefined })
    } catch (cause) {
      entries.push({ candidate, session: undefined, times: [], problem: cause as Error })
      if (isTpError(cause) && cause.code === 'TP_ABORTED') break
    }
  }
  const aborted = entries.find(({ problem }) => isTpError(problem) && problem.code === 'TP_ABORTED')
  if (aborted !== undefined || open(entries).length === 0) {
    await Promise.all(open(entries).map(({ session }) => session.dispose()))
    throw aborted?.problem ?? entries[0]?.problem
  }
  return entries
}

/** Measures in turns, so that a device that slows down meanwhile slows all of them down. */
async function fastest(
  entries: readonly Entry[],
  feeds: NamedTensors,
): Promise<{ entry: Entry; results: NamedTensors }> {
  const working: { entry: Entry; results: NamedTensors }[] = []
  const problems: { entry: Entry; problem: Error }[] = []
  for (const entry of entries) {
    // The first run pays for compiling, and shows whether the device can do it at all.
    await entry.session.run(feeds).then(
      (results) => working.push({ entry, results }),
      (problem: Error) => problems.push({ entry, problem }),
    )
  }
  // Where all fail it is the inputs that are wrong.
  if (working.length === 0) throw problems[0]?.problem
  for (const { entry, problem } of problems) {
    entry.problem = problem
    await entry.session.dispose()
  }
  const end = performance.now() + BUDGET_MS * working.length
  for (let round = 0; round < ROUNDS && working.length > 1 && (round === 0 || performance.now() < end); round++) {
    for (const { entry } of working) {
      const start = performance.now()
      await entry.session.run(feeds)
      entry.times.push(performance.now() - start)
    }
  }
  const time = ({ entry }: { entry: Entry }): number => (entry.times.length === 0 ? 0 : median(entry.times))
  return working.reduce((best, other) => (time(other) < time(best) ? other : best))
}

function nameOf({ runtime, threads, worker }: RuntimeCandidate): string {
  return [runtime.name, threads && `${threads} threads`, worker && 'in a worker'].filter(Boolean).join(', ')
}
