import { inspect } from '@tp/compiler'
import type { Session } from '@tp/core/runtime'
import { type ModelInputs, runBatch } from '@tp/data/inputs'
import { mean } from '@tp/metrics'
import { loadModel } from './load-model.ts'
import type { OptimizeOptions, Shape } from './options.ts'

/** The part of the time after which nothing more is tried: the rest is for careful times and for what confirms. */
const SEARCHING = 0.8

/** Runs of a search, in those of all examples that choose, and of the few by which candidates are compared: about so many. */
const RUNS = { choosing: 10, look: 14 } as const

const LEAST_EXAMPLES = 100
/** A method that learns from an example takes about the time of so many runs, and learns little from few examples. */
const LEARNING = { runs: 15, least: 200, most: 1200, part: 0.4 } as const
const LOOK = { least: 24, most: 64 } as const
const GRID = [8, 32, 128, 512] as const

/** Examples of all lengths. */
const TIMED_RUNS = 8

/** Candidates are timed with about a hundred runs of the dense model's time: one takes so much of the search at most. */
const TIMED_PART = 1 / 250

export interface SearchBudget {
  readonly limitMs: number
  /** The most examples for whose choice there is time, … */
  readonly most: number
  /** … and for comparing candidates by them. */
  readonly look: number
  /** The most that methods learn from; 0 where they would learn too little. */
  readonly learn: number
  /** The most tokens, padding included (examples, where these have no lengths), that a run has by which candidates are timed in the search. */
  readonly positions: number
  /** The shapes that the plan is timed at in the end. */
  readonly grid: readonly Shape[]
}

/** As many examples as there is time for. */
export async function budgetOf(
  minutes: number,
  options: Pick<OptimizeOptions, 'model' | 'runtime' | 'load' | 'signal'>,
  inputs: ModelInputs,
): Promise<SearchBudget> {
  const { model, runtime, signal } = options
  const limitMs = SEARCHING * minutes * 60_000
  const found = inspect(model)
  const fixedBatch = found.ok && typeof found.batch === 'number' ? found.batch : undefined
  const batch = fixedBatch ?? 1
  await using session = await loadModel(options, runtime, model)
  const exampleMs = Math.max(await msOfExample(session, inputs, batch, signal), 0.01)
  const runs = limitMs / exampleMs
  const look = Math.round(Math.min(LOOK.most, Math.max(LOOK.least, (0.4 * runs) / RUNS.look)))
  const most = Math.floor(Math.max(LEAST_EXAMPLES, (runs - RUNS.look * look) / RUNS.choosing))
  const taught = Math.floor(Math.min(LEARNING.most, (LEARNING.part * runs) / LEARNING.runs))
  const affordable = ((TIMED_PART * limitMs) / exampleMs) * mean(inputs.lengths ?? [1])
  const positions = fixedBatch === undefined ? affordable : Number.POSITIVE_INFINITY
  return { limitMs, most, look, learn: taught < LEARNING.least ? 0 : taught, positions, grid: gridOf(inputs) }
}

/** Examples are run for so many ms at least: a busy machine lets a program run for a moment, and then wait. */
const TIMED_MS = 1000

/** The time of an example by the wall clock, as busy as the machine is. */
async function msOfExample(
  session: Session,
  inputs: ModelInputs,
  batch: number,
  signal: OptimizeOptions['signal'],
): Promise<number> {
  const batches = Math.max(1, Math.floor(inputs.targets.length / batch))
  const timed = Math.min(TIMED_RUNS, batches)
  let start = performance.now()
  let run = 0
  for (; run < timed || performance.now() - start < TIMED_MS; run++) {
    // The first run prepares buffers.
    if (run === 1) start = performance.now()
    const first = batch * Math.floor(((run % timed) * batches) / timed)
    const feeds = await inputs.feeds(Array.from({ length: batch }, (_, row) => first + row))
    await runBatch(session, feeds, signal)
  }
  return (performance.now() - start) / (batch * Math.max(1, run - 1))
}

function gridOf({ lengths }: ModelInputs): Shape[] {
  if (lengths === undefined) return [{ batch: 1 }]
  const longest = lengths.reduce((most, own) => Math.max(most, own))
  const tokens = GRID.filter((length) => length <= longest)
  return (tokens.length === 0 ? [longest] : tokens).map((length) => ({ batch: 1, tokens: length }))
}
