import type { Inspection } from '@tp/compiler'
import { type Method, or, type Schedule, type Site, type Tensor } from '@tp/core'
import type { NamedTensors, Session } from '@tp/core/runtime'
import type { Model } from '@tp/onnx'
import { boundedProcess, boundsFor, type RunSize } from '../bounded/bounded-runtime.ts'
import { requireClose, requireFinite, requireFiniteDense, requireSameShapes } from '../model/compare-outputs.ts'
import { isText } from '../model/input-shapes.ts'
import { withModelAsFile } from '../model/load-session.ts'
import { sizeOfFiles } from '../model/model-file.ts'
import { roundingOf } from '../model/rounding.ts'
import { sampleInputs } from '../model/sample-inputs.ts'
import { checkInvariance, type Invariance } from './invariance.ts'
import { pruneFile } from './request.ts'
import { ALL_TOKENS } from './schedules.ts'
import { type SiteCosts, siteCosts } from './site-costs.ts'
import type { VerifyOptions } from './verify-options.ts'

export interface Verification {
  /** Batch × tokens (texts) or batch (images, sounds) of the runs. */
  readonly shapes: readonly (readonly number[])[]
  /** Largest difference from the dense outputs, relative where they exceed 1, with every token kept by force. */
  readonly difference: number
  /** Whether examples come out alike alone, in a batch, and padded; absent where the dense model's own do not. */
  readonly invariance?: Invariance
  /** What choosing the tokens costs. */
  readonly sites: SiteCosts
}

/**
 * Runs a pruned model: at two shapes its outputs are finite and have the dense shapes; with the same cuts, but every token
 * kept, they are the dense numbers; and examples come out alike alone, in a batch, and padded (the latter two before the weights
 * are stored in 8 bits, if they are). Where layers are left out, the dense model is that without them. Also says what the cuts cost.
 * @throws TpError TP_VERIFY, TP_DENSE where the dense model itself does not hold, TP_MODEL_LIMIT, TP_ABORTED
 */
export async function verifyPruned(asked: VerifyOptions): Promise<Verification> {
  // What is compared with the dense numbers is the pruning, without the rounding to 8 bits after it.
  const options: VerifyOptions = { ...asked, settings: { ...asked.settings, quantize: undefined } }
  const { file, isShallow, model, path, signal } = options
  const shapes = sampleShapes(model)
  const inputs = shapes.map(([batch = 1, tokens], i) =>
    sampleInputs(file.model, model, { batch, tokens, padded: batch > 1, seed: i + 1 }),
  )
  const bounds = boundsFor(await sizeOfFiles(file), largestRun(model, shapes))
  await using process = boundedProcess(signal)
  // Each within what a model of its size may take.
  const load = (path: string): Promise<Session> => process.load(path, { runtime: 'node', bounds })
  const loadModel = (model: Model): Promise<Session> => withModelAsFile(model, file, signal, load)
  await using dense = await (isShallow ? loadModel(file.model) : load(file.path))
  const whole = await runAll(dense, inputs, signal)
  for (const outputs of whole) requireFiniteDense(outputs)
  const { outputs: kept } = options.settings
  const expected = whole.map((all) =>
    Object.fromEntries(Object.entries(all).filter(([name]) => kept?.includes(name) ?? true)),
  )
  await using pruned = await load(path)
  for (const [i, outputs] of (await runAll(pruned, inputs, signal)).entries()) {
    requireFinite(outputs)
    requireSameShapes(
      outputs,
      expected[i] as NamedTensors,
      options.settings.restore === 'none' ? model.tokenOutputs : [],
    )
  }
  const whollyKept = await keepAllTokens(options)
  await using keepingAll = await loadModel(whollyKept)
  const all = await runAll(keepingAll, inputs, signal)
  const differences = all.map((outputs, i) =>
    requireClose(outputs, expected[i] as NamedTensors, roundingOf(file.model), 'with every token kept, '),
  )
  const invariance = await checkInvariance(options, dense, loadModel)
  const sites = await siteCosts(options, { dense, keepingAll }, whollyKept)
  return { shapes, difference: Math.max(...differences), ...(invariance && { invariance }), sites }
}

/** Two shapes that differ in both sizes if these are free; few tokens, since position tables may be short. */
function sampleShapes(model: Inspection): readonly (readonly number[])[] {
  const batches = typeof model.batch === 'number' ? [model.batch, model.batch] : [1, 3]
  return isText(model)
    ? [
        [batches[0] as number, 7],
        [batches[1] as number, 16],
      ]
    : batches.map((batch) => [batch])
}

function largestRun({ tokens, heads }: Inspection, shapes: readonly (readonly number[])[]): RunSize {
  const own = typeof tokens === 'number' ? tokens : 1
  const sizes = shapes.map(([batch = 1, length = own]) => ({ batch, length }))
  return {
    tokens: Math.max(...sizes.map(({ batch, length }) => batch * length)),
    scores: Math.max(...sizes.map(({ batch, length }) => 4 * batch * heads * length ** 2)),
  }
}

/** The same cuts, but every token is kept. Dead tokens are, too: the ranges that dynamic quantisation sees depend on them. */
async function keepAllTokens({ file, pruned, method, settings }: VerifyOptions): Promise<Model> {
  const keepingAllAt = (schedule: Schedule): Schedule =>
    new Map([...schedule.keys()].map((layer) => [layer, { kind: 'tokens', value: ALL_TOKENS }]))
  const { model } = await pruneFile(file, {
    ...settings,
    method: keepingAll(method),
    schedules: new Map(pruned.encoders.map(({ name, schedule }) => [name, keepingAllAt(schedule)])),
    deadTokens: false,
    restore: 'auto',
  })
  return model
}

/** The method with its own computations, but every token is kept, even if it does not follow the schedule's count. */
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
      // Not a spread copy: it would call getters that the method does not read, and the model might refuse them.
      const watched: Site = Object.create(site, budget ? { budget: { value: { ...budget, select } } } : {})
      const reduction = method.reduce(watched)
      return reduction.keep === selected ? reduction : { ...reduction, keep: or(reduction.keep, site.attended) }
    },
  }
}

async function runAll(session: Session, inputs: readonly NamedTensors[], signal: AbortSignal): Promise<NamedTensors[]> {
  const outputs: NamedTensors[] = []
  for (const feeds of inputs) outputs.push(await session.run(feeds, { signal }))
  return outputs
}
