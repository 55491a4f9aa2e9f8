import { type Demands, inputRoles, isText } from '@tp/compare'
import type { Plan } from '@tp/compiler'
import type { ModelFile } from '@tp/data'
import { type ModelInputs, sampleExamples } from '@tp/data/inputs'
import { nodeRuntime } from '@tp/runtime-node'
import { type Shape, type TunedPlan, type TuneOptions, type TuneProgress, tune } from '@tp/tune'
import type { Context } from '../command/context.ts'
import { loadSession } from '../model/load-session.ts'
import { batchSizeOf } from '../model/open-inputs.ts'
import { findMethod, loadMethods } from '../plugins/load-methods.ts'
import { withVectors } from './inputs.ts'
import { stageNames, stages, usualMethods } from './usual-methods.ts'
import { variantsOf } from './variants.ts'

export interface TuneWithin {
  readonly minutes: number
  readonly demands: Demands
  readonly plugins: readonly string[]
  /** Whether vectors are to stay near to the dense ones. */
  readonly embeds: boolean
  readonly common: Pick<TuneOptions, 'encoder' | 'protection' | 'quantize'>
}

export interface TunedWithin {
  /** Of the largest runs; of `none` where nothing holds that is faster. */
  readonly plan: Plan
  readonly figures: TunedPlan['figures']
  readonly seconds: number
  /** Whether the time ended the search. */
  readonly isCutShort: boolean
}

/** Verification and timing of what was chosen take the rest. */
const SEARCHING = 0.6
/** Runs of all examples to choose by that a search takes about. */
const EVALUATIONS = 60
/** Fewer examples say too little, whatever they cost; more are not used. */
const EXAMPLES = { least: 150, most: 2500 } as const
const GRID = [8, 32, 128, 512] as const

/** Tunes a model for this machine and one text or image at a time, within a time. */
export async function tuneWithin(
  file: ModelFile,
  inputs: ModelInputs,
  { minutes, demands, plugins, embeds, common }: TuneWithin,
  context: Context,
): Promise<TunedWithin> {
  const { progress, signal } = context
  const began = performance.now()
  const limitMs = SEARCHING * minutes * 60_000
  const roles = inputRoles(file.model)
  const catalog = await loadMethods(plugins)
  const names = usualMethods[embeds ? 'vectors' : isText(roles) ? 'text' : 'other']
  const entries = names.map((name) => findMethod(catalog, name))
  const variants = (await variantsOf(entries, undefined)).map((variant) => ({ ...variant, optional: true }))
  const few = await asManyAsTimeAllows(file, inputs, limitMs, context)
  const examples = embeds ? await withVectors(file, few, context) : few
  progress.expect?.(stageNames.length)
  progress.stage('preparing', 0)
  let stage: TuneProgress['stage'] | undefined
  const tuned = await tune({
    ...{ model: file.model, inputs: examples, variants, runtime: nodeRuntime(), signal, limitMs, ...common },
    maxLoss: demands.maxLoss,
    confident: demands.confident,
    grid: gridOf(inputs),
    load: (runtime, model, { threads }) => loadSession(model, file, { runtime, threads, signal }),
    onProgress(at) {
      if (at.stage !== stage) progress.stage(stages[at.stage], stageNames.indexOf(at.stage))
      stage = at.stage
      progress.step(at.done, at.total, at.best === undefined ? undefined : `best so far ${at.best}`)
    },
    onSkipped: ({ name, reason }) => progress.note(`${name} is not tried: ${reason}`),
  })
  const ms = performance.now() - began
  return {
    plan: tuned.regimes.at(-1)?.plan ?? { format: 1, method: 'none' },
    figures: tuned.figures,
    seconds: Math.round(ms / 100) / 10,
    isCutShort: ms > limitMs,
  }
}

/** A search of some length, of which each step runs these examples. */
async function asManyAsTimeAllows(
  file: ModelFile,
  inputs: ModelInputs,
  limitMs: number,
  { progress, signal }: Context,
): Promise<ModelInputs> {
  if (inputs.ranking !== undefined) return inputs
  progress.stage('timing one example')
  await using session = await nodeRuntime().load(file.path, { threads: 1, signal })
  const batch = batchSizeOf(file)
  const timed = 5
  let ms = 0
  for (let i = 0; i < timed; i++) {
    const first = Math.floor((i * (inputs.targets.length - batch)) / timed)
    const feeds = await inputs.feeds(Array.from({ length: batch }, (_, row) => first + row))
    const start = performance.now()
    await session.run(feeds, { signal })
    // The first run prepares buffers.
    if (i > 0) ms += (performance.now() - start) / (batch * (timed - 1))
  }
  const most = Math.floor(limitMs / (EVALUATIONS * Math.max(ms, 0.01)))
  return sampleExamples(inputs, Math.min(EXAMPLES.most, Math.max(EXAMPLES.least, most)))
}

function gridOf({ lengths }: ModelInputs): Shape[] {
  if (lengths === undefined) return [{ batch: 1 }]
  const longest = Math.max(...lengths)
  const tokens = GRID.filter((length) => length <= longest)
  return (tokens.length === 0 ? [longest] : tokens).map((length) => ({ batch: 1, tokens: length }))
}
