import { appendFile, readFile } from 'node:fs/promises'
import type { Plan } from '@tp/compiler'
import type { Runtime } from '@tp/core/runtime'
import { candidatesOf, type ModelInputs, someExamples } from '@tp/data/inputs'
import { mean } from '@tp/metrics'
import type { Model } from '@tp/onnx'
import { planOf } from './choice.ts'
import { shuffled } from './grid.ts'
import type { MeasuredPlan, PlanMeter } from './plan-meter.ts'
import type { DenseAnswers, PoolData } from './pool-answers.ts'
import { remembering } from './remembering-runtime.ts'

/** A set of examples to choose by, drawn from a pool, and what is allowed. */
export interface Draw {
  readonly seed: number
  readonly examples: number
  readonly maxLoss: number
}

/** The plan that was chosen by a draw. */
export interface DrawnPlan extends Draw {
  readonly plan: Plan
  readonly seconds: number
}

/** A draw, judged on the rest of the pool. */
export interface JudgedDraw extends DrawnPlan {
  /** Whether the model was left as it is although the grid has a faster setting within the limit. */
  readonly isMissed: boolean
  readonly speedup: number
  /** Expected points lost on the rest. */
  readonly trueLoss: number
  /** The speed of the fastest setting of the grid whose loss on the rest is within the limit. */
  readonly best: MeasuredPlan
}

interface ChooseOptions {
  readonly runtime: Runtime
  /** The same runtime once more, whose models are timed. */
  readonly device: Runtime
  readonly model: Model
  readonly data: PoolData
  readonly eightBits: boolean
  /** Lines of JSON, one for each draw. */
  readonly file: string
}

/** Chooses by every draw that is not known yet. */
export async function choosePlans(
  draws: readonly Draw[],
  { runtime, device, model, data, eightBits, file }: ChooseOptions,
  onProgress: (text: string) => void,
): Promise<DrawnPlan[]> {
  const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n').filter((line) => line.endsWith('}'))
  const known = new Map(lines.map((line) => JSON.parse(line) as DrawnPlan).map((own) => [nameOf(own), own]))
  const load = remembering(runtime)
  for (const [i, draw] of draws.entries()) {
    if (known.has(nameOf(draw))) continue
    onProgress(`choosing by ${nameOf(draw)}, ${i + 1} of ${draws.length}`)
    const start = performance.now()
    const inputs = someExamples(data.inputs, drawnRows(data.inputs, draw))
    const chosen = { ...data, inputs } as PoolData
    const plan = await planOf({ runtime, device, load, model, data: chosen, eightBits, maxLoss: draw.maxLoss })
    const own = { ...draw, plan, seconds: (performance.now() - start) / 1000 }
    await appendFile(file, `${JSON.stringify(own)}\n`)
    known.set(nameOf(own), own)
  }
  return draws.flatMap((draw) => known.get(nameOf(draw)) ?? [])
}

/** A setting is faster if it is by this factor. */
const WORTH_IT = 1.02

interface JudgeOptions {
  readonly meter: PlanMeter
  readonly inputs: ModelInputs
  readonly dense: DenseAnswers
  /** Whether the examples of draws are not of the pool, so that all of it judges. */
  readonly areOthers: boolean
}

/** Measures what was chosen on the rest of the pool, next to a grid. */
export async function judgeDraws(
  plans: readonly DrawnPlan[],
  grid: readonly MeasuredPlan[],
  { meter, inputs, dense, areOthers }: JudgeOptions,
): Promise<JudgedDraw[]> {
  const judged: JudgedDraw[] = []
  for (const drawn of plans) {
    const chosen = new Set(areOthers ? [] : drawnRows(inputs, drawn))
    const rest = inputs.targets.flatMap((_, row) => (chosen.has(row) ? [] : [row]))
    const lossOf = ({ answers }: MeasuredPlan): number =>
      answers === undefined ? Number.POSITIVE_INFINITY : mean(dense.losses(answers, rest))
    const own = await meter.measure(drawn.plan)
    const within = grid.filter((setting) => lossOf(setting) <= drawn.maxLoss)
    const best = within.reduce((least, setting) => (setting.pace < least.pace ? setting : least), {
      plan: { format: 1, method: 'none' },
      pace: 1,
    } as MeasuredPlan)
    const isWhole = drawn.plan.method === 'none' && drawn.plan.quantize === undefined
    judged.push({
      ...drawn,
      isMissed: isWhole && best.pace < own.pace / WORTH_IT,
      speedup: 1 / own.pace,
      trueLoss: lossOf(own),
      best,
    })
  }
  return judged
}

/** Positions of the examples of a draw; of candidates to be ranked, whole queries until there are enough. */
function drawnRows({ targets, ranking }: ModelInputs, { seed, examples }: Draw): number[] {
  if (ranking === undefined) return shuffled([...targets.keys()], seed).slice(0, examples)
  const rows: number[] = []
  for (const query of shuffled([...candidatesOf(ranking).values()], seed)) {
    if (rows.length >= examples) break
    rows.push(...query)
  }
  return rows
}

function nameOf({ seed, examples, maxLoss }: Draw): string {
  return `${examples} examples, limit ${maxLoss}, seed ${seed}`
}
