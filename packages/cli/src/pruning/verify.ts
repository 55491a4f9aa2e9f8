import type { Inspection, Pruned } from '@tp/compiler'
import { type Method, type NamedTensors, or, type Schedule, type Site, type Tensor, TpError } from '@tp/core'
import { boundsFor, loadBounded } from '../bounded/bounded-runtime.ts'
import { largestDifference, requireFinite, requireFiniteDense, requireSameShapes } from '../model/compare-outputs.ts'
import { isText } from '../model/input-shapes.ts'
import { withModelAsFile } from '../model/load-session.ts'
import { type ModelFile, sizeOfFiles } from '../model/model-file.ts'
import { roundingOf } from '../model/rounding.ts'
import { sampleInputs } from '../model/sample-inputs.ts'
import { ALL_TOKENS } from './budget.ts'
import { type PruningSettings, pruneFile } from './request.ts'

export interface Verification {
  /** Batch × tokens (texts) or batch (pictures, sounds) of the runs. */
  readonly shapes: readonly (readonly number[])[]
  /** Largest difference from the dense outputs, relative where they exceed 1, with every token kept by force. */
  readonly difference: number
}

interface VerifyOptions {
  readonly file: ModelFile
  readonly model: Inspection
  readonly pruned: Pruned
  /** Where the pruned model can be loaded from. */
  readonly path: string
  readonly method: Method
  readonly settings: PruningSettings
  readonly signal: AbortSignal
}

/**
 * Runs a pruned model: at two shapes its outputs are finite and have the dense shapes; and with the same cuts, but every
 * token kept, they are the dense numbers.
 * @throws TpError TP_VERIFY, TP_DENSE where the dense model itself does not hold, TP_MODEL_LIMIT, TP_ABORTED
 */
export async function verifyPruned(options: VerifyOptions): Promise<Verification> {
  const { file, model, path, signal } = options
  const shapes = sampleShapes(model)
  const inputs = shapes.map(([batch = 1, tokens], i) =>
    sampleInputs(file.model, model, { batch, tokens, padded: batch > 1, seed: i + 1 }),
  )
  const run = await boundedRuns(file, signal)
  const whole = await run(file.path, inputs)
  for (const outputs of whole) requireFiniteDense(outputs)
  const { outputs: kept } = options.settings
  const dense = whole.map((all) =>
    Object.fromEntries(Object.entries(all).filter(([name]) => kept?.includes(name) ?? true)),
  )
  const pruned = await run(path, inputs)
  for (const [i, outputs] of pruned.entries()) {
    requireFinite(outputs)
    requireSameShapes(outputs, dense[i] as NamedTensors, options.settings.restore === 'none' ? model.tokenOutputs : [])
  }
  const difference = await differenceKeepingAll(options, run, inputs, dense)
  return { shapes, difference }
}

/** Two shapes that differ in both sizes where the model leaves them free; few tokens, since position tables may be short. */
function sampleShapes(model: Inspection): readonly (readonly number[])[] {
  const batches = typeof model.batch === 'number' ? [model.batch, model.batch] : [1, 3]
  return isText(model)
    ? [
        [batches[0] as number, 7],
        [batches[1] as number, 16],
      ]
    : batches.map((batch) => [batch])
}

async function differenceKeepingAll(
  { file, pruned, method, settings, signal }: VerifyOptions,
  run: Run,
  inputs: readonly NamedTensors[],
  dense: readonly NamedTensors[],
): Promise<number> {
  // Dead tokens stay in as well: leaving them out would change the ranges that dynamic quantisation sees.
  const keepingAllAt = (schedule: Schedule): Schedule =>
    new Map([...schedule.keys()].map((block) => [block, { kind: 'tokens', value: ALL_TOKENS }]))
  const whole = await pruneFile(file, {
    ...settings,
    method: keepingAll(method),
    schedules: new Map(pruned.towers.map(({ name, schedule }) => [name, keepingAllAt(schedule)])),
    deadTokens: false,
    restore: 'auto',
  })
  const outputs = await withModelAsFile(whole.model, file, signal, (path) => run(path, inputs))
  const tolerance = roundingOf(file.model)
  let largest = 0
  for (const [i, now] of outputs.entries()) {
    for (const [name, expected] of Object.entries(dense[i] as NamedTensors)) {
      const difference = largestDifference(now[name], expected)
      if (!(difference <= tolerance)) {
        const seen = `with every token kept, output "${name}" differs from the dense model's by ${difference}`
        throw new TpError(
          'TP_VERIFY',
          'tp',
          `${seen}, more than ${tolerance}; the model was not written. Please report it`,
        )
      }
      largest = Math.max(largest, difference)
    }
  }
  return largest
}

/** The method with its own computations, but every token stays, also where it does not go by the schedule's count. */
function keepingAll(method: Method): Method {
  return {
    ...method,
    reduce(site) {
      const { budget } = site
      let selected: Tensor | undefined
      const select = (score: Tensor): Tensor => {
        selected = budget?.select(score)
        return selected as Tensor
      }
      // Not a spread copy: it would touch getters that the method leaves alone, and the model might refuse them.
      const watched: Site = Object.create(site, budget ? { budget: { value: { ...budget, select } } } : {})
      const reduction = method.reduce(watched)
      return reduction.keep === selected ? reduction : { ...reduction, keep: or(reduction.keep, site.alive) }
    },
  }
}

type Run = (path: string, inputs: readonly NamedTensors[]) => Promise<NamedTensors[]>

/** Runs models that are made of one file, each within what one of its size may take. */
async function boundedRuns(file: ModelFile, signal: AbortSignal): Promise<Run> {
  const bounds = boundsFor(await sizeOfFiles(file))
  return async (path, inputs) => {
    await using session = await loadBounded(path, { runtime: 'node', bounds, signal })
    const outputs: NamedTensors[] = []
    for (const feeds of inputs) outputs.push(await session.run(feeds, { signal }))
    return outputs
  }
}
