import type { NamedTensors, Runtime, Session } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/eval/inputs'
import { type Comparison, type ComparisonOptions, comparePaired } from '@tp/eval/metrics'
import { encodeModel } from '@tp/onnx'
import { stratifiedSample } from '../measure/sample.ts'
import { feedsOfTurns } from '../measure/shapes.ts'
import type { Subject } from '../measure/subject.ts'
import type { ChromiumPage } from '../web/chromium-page.ts'
import type { SpeedCell, SpeedValue } from './cell.ts'
import { openOptimised } from './optimised-session.ts'
import { type Opened, type Prepared, prepare } from './variants.ts'

/** Enough for a narrow interval; of large models the budget of time ends it earlier. */
const MOST_ROUNDS = 40

/** Different batches of a shape. */
const TURNS = 3

/** All entrants in turns, each on one thread of this process. */
export async function measureSpeed(runtime: Runtime, opened: Opened, cell: SpeedCell): Promise<SpeedValue> {
  const sessions: Record<string, Session> = {}
  try {
    const { files, inputs, inputsOf } = await entrantsOf(opened, cell)
    for (const [i, file] of files.entries()) {
      const optimisation = cell.entrants[i]?.optimisation
      sessions[i] = await (optimisation ? openOptimised(file, optimisation) : runtime.load(file, { threads: 1 }))
    }
    return timesOf(await comparePaired(sessions, inputs, { ...optionsOf(cell), inputsOf }), inputs.length)
  } finally {
    for (const session of Object.values(sessions)) await session.dispose()
  }
}

/** The same in a page, where only batches of a shape are timed. */
export async function measureWebSpeed(page: ChromiumPage, opened: Opened, cell: SpeedCell): Promise<SpeedValue> {
  const { files, inputs } = await entrantsOf(opened, cell)
  try {
    for (const [i, file] of files.entries()) await page.load(`${i}`, file, 'wasm', { threads: 1 })
    return timesOf(await page.compare(inputs, optionsOf(cell)), inputs.length)
  } finally {
    await page.clear()
  }
}

function optionsOf({ budgetMs }: SpeedCell): Pick<ComparisonOptions, 'rounds' | 'budgetMs'> {
  return { rounds: MOST_ROUNDS, budgetMs }
}

function timesOf({ variants }: Comparison, inputs: number): SpeedValue {
  // names are numbers, which objects keep in order
  return { inputs, entrants: Object.values(variants).map(({ roundsMs, p50Ms, p90Ms }) => ({ roundsMs, p50Ms, p90Ms })) }
}

interface Entrants {
  readonly files: readonly Uint8Array[]
  readonly inputs: readonly NamedTensors[]
  /** Of those whose texts are cut. */
  readonly inputsOf: Record<string, readonly NamedTensors[]>
}

async function entrantsOf(opened: Opened, { entrants, at }: SpeedCell): Promise<Entrants> {
  const { subject } = opened
  const prepared: Prepared[] = []
  for (const { setting } of entrants) prepared.push(await prepare(opened, setting))
  const files = prepared.map(({ model }) => encodeModel(model))
  if (!('split' in at)) {
    const inputs = await batchesOf(subject, at)
    return { files, inputs, inputsOf: {} }
  }
  const positions = stratifiedSample(subject.lengths, at.examples)
  const feeds = (inputs: ModelInputs) => Promise.all(positions.map((position) => inputs.feeds([position])))
  const inputsOf: Record<string, readonly NamedTensors[]> = {}
  for (const [i, { inputs }] of prepared.entries()) {
    if (inputs.lengths !== subject.inputs.lengths) inputsOf[i] = await feeds(inputs)
  }
  return { files, inputs: await feeds(subject.inputs), inputsOf }
}

function batchesOf(
  { inputs }: Subject,
  at: { readonly batch: number; readonly tokens: number },
): Promise<NamedTensors[]> {
  if (inputs.lengths !== undefined) return feedsOfTurns(inputs, at, TURNS)
  const count = inputs.targets.length
  const rows = (turn: number) => Array.from({ length: at.batch }, (_, b) => (turn * at.batch + b) % count)
  return Promise.all(Array.from({ length: TURNS }, (_, turn) => inputs.feeds(rows(turn))))
}
