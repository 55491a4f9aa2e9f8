import type { Inspection, Pruned } from '@tp/compiler'
import {
  type Method,
  type NamedTensors,
  or,
  type Schedule,
  type Session,
  type Site,
  type Tensor,
  TpError,
  throwIfAborted,
} from '@tp/core'
import { nodeRuntime } from '@tp/runtime-node'
import { largestDifference, requireFinite, requireSameShapes } from '../model/compare-outputs.ts'
import { isText } from '../model/input-shapes.ts'
import { loadSession } from '../model/load-session.ts'
import type { ModelFile } from '../model/model-file.ts'
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
 * @throws TpError TP_VERIFY, TP_ABORTED, TP_RUNTIME_MISSING
 */
export async function verifyPruned(options: VerifyOptions): Promise<Verification> {
  const { file, model, path, signal } = options
  const shapes = sampleShapes(model)
  const inputs = shapes.map(([batch = 1, tokens], i) =>
    sampleInputs(file.model, model, { batch, tokens, padded: batch > 1, seed: i + 1 }),
  )
  const whole = await runAll(await loadSession(file.model, file, { signal }), inputs, signal)
  const { outputs: kept } = options.settings
  const dense = whole.map((all) =>
    Object.fromEntries(Object.entries(all).filter(([name]) => kept?.includes(name) ?? true)),
  )
  const pruned = await runAll(await nodeRuntime().load(path, { signal }), inputs, signal)
  for (const [i, outputs] of pruned.entries()) {
    requireFinite(outputs)
    requireSameShapes(outputs, dense[i] as NamedTensors, options.settings.restore === 'none' ? model.tokenOutputs : [])
  }
  const difference = await differenceKeepingAll(options, inputs, dense)
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
  const outputs = await runAll(await loadSession(whole.model, file, { signal }), inputs, signal)
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

async function runAll(session: Session, inputs: readonly NamedTensors[], signal: AbortSignal): Promise<NamedTensors[]> {
  await using running = session
  const outputs: NamedTensors[] = []
  for (const feeds of inputs) {
    throwIfAborted(signal, 'tp')
    outputs.push(await running.run(feeds, { signal }))
  }
  return outputs
}
