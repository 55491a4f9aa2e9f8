import {
  answersTo,
  type Comparison,
  compareAnswers,
  denseSession,
  type Invariance,
  isText,
  requireFinite,
  requireFiniteDense,
  requireSameShapes,
  requireZeroPadding,
  type Trial,
  trialsFor,
  verifyInvariance,
} from '@tp/compare'
import type { Inspection } from '@tp/compiler'
import { type Method, or, type Schedule, type Site, type Tensor } from '@tp/core'
import type { NamedTensors, Session } from '@tp/core/runtime'
import { sizeOfFiles } from '@tp/data'
import type { Model } from '@tp/onnx'
import { boundedProcess, boundsFor, type RunSize } from '@tp/runtime-node/bounded'
import { withModelAsFile } from '../model/load-session.ts'
import { pruneFile } from './prune-file.ts'
import { ALL_TOKENS } from './schedules.ts'
import { type SiteCosts, siteCosts } from './site-costs.ts'
import type { VerifyOptions } from './verify-options.ts'

/** With every token kept by force, how near outputs are to the dense ones; and more. */
export interface Verification extends Comparison {
  /** Batch × tokens (texts) or batch (images, sounds) of the runs. */
  readonly shapes: readonly (readonly number[])[]
  /** Whether examples get the same answers alone, in a batch, and padded; absent where the dense model's own do not. */
  readonly invariance?: Invariance
  /** What choosing the tokens costs. */
  readonly sites: SiteCosts
}

/**
 * Runs a pruned model on examples of unequal lengths, alone, in batches, and padded on either side: its outputs are finite and have the
 * dense shapes; with the same cuts, but every token kept, they are the dense numbers; and examples get the same answers however they
 * are put together (the latter two before the weights are stored in 8 bits, if they are). Where layers are left out, the dense model is
 * that without them. Also says what the cuts cost.
 * @throws TpError TP_VERIFY, TP_DENSE where the dense model itself does not hold, TP_MODEL_LIMIT, TP_ABORTED
 */
export async function verifyPruned(asked: VerifyOptions): Promise<Verification> {
  // What is compared with the dense numbers is the pruning, without the rounding to 8 bits after it.
  const options: VerifyOptions = { ...asked, settings: { ...asked.settings, quantize: undefined } }
  const { file, isShallow, model, path, signal } = options
  const trials = trialsFor(file.model, model)
  const bounds = boundsFor(await sizeOfFiles(file), largestRun(model, trials))
  await using process = boundedProcess(signal)
  // Each within what a model of its size may take.
  const load = (path: string): Promise<Session> => process.load(path, { bounds })
  const loadModel = (model: Model): Promise<Session> => withModelAsFile(model, file, signal, load)
  await using loaded = await (isShallow ? loadModel(file.model) : load(file.path))
  const dense = denseSession(loaded)
  const { outputs: kept, restore } = options.settings
  const expected: NamedTensors[] = []
  const answers = await answersTo(dense, trials, {
    signal,
    check(outputs) {
      requireFiniteDense(outputs)
      expected.push(Object.fromEntries(Object.entries(outputs).filter(([name]) => kept?.includes(name) ?? true)))
    },
  })
  await using pruned = await load(path)
  for (const [i, trial] of trials.entries()) {
    const outputs = await pruned.run(trial.inputs, { signal })
    requireFinite(outputs, expected[i])
    requireSameShapes(outputs, expected[i] as NamedTensors, restore === 'none' ? model.tokenOutputs : [])
    requireZeroPadding(outputs, expected[i] as NamedTensors, trial)
  }
  await using keepingAll = await loadModel(await keepAllTokens(options))
  const forced = await answersTo(keepingAll, trials, { signal })
  const when = 'with every token kept'
  const comparison = compareAnswers(forced, answers, { source: file.model, when, outputs: kept })
  await using traced = await loadModel(await withScores(options))
  const where = `plugin ${options.settings.method.name}`
  const invariance = await verifyInvariance({ source: file.model, dense, pruned: traced, where, signal })
  // What dead tokens save is not to be set off against what the cuts cost.
  const cuts = await keepAllTokens(options, { deadTokens: false })
  await using cutting = await loadModel(cuts)
  const sites = await siteCosts(options, { dense, keepingAll: cutting }, cuts)
  return { ...comparison, shapes: shapesOf(trials, model), ...(invariance && { invariance }), sites }
}

/** Batch × tokens of texts, batch of all else; each once. */
function shapesOf(trials: readonly Trial[], model: Inspection): (readonly number[])[] {
  const shapes = trials.map(({ inputs, examples }) =>
    isText(model) ? [examples.length, Object.values(inputs)[0]?.dims[1] ?? 1] : [examples.length],
  )
  return [...new Map(shapes.map((shape) => [shape.join('×'), shape])).values()]
}

function largestRun(model: Inspection, trials: readonly Trial[]): RunSize {
  const own = typeof model.tokens === 'number' ? model.tokens : 1
  const sizes = shapesOf(trials, model).map(([batch = 1, length = own]) => ({ batch, length }))
  return {
    tokens: Math.max(...sizes.map(({ batch, length }) => batch * length)),
    scores: Math.max(...sizes.map(({ batch, length }) => 4 * batch * model.heads * length ** 2)),
  }
}

/** The same cuts, but every token is kept that is not dead. */
async function keepAllTokens(
  { file, pruned, settings }: VerifyOptions,
  more: { readonly deadTokens?: boolean } = {},
): Promise<Model> {
  const keepingAllAt = (schedule: Schedule): Schedule =>
    new Map([...schedule.keys()].map((layer) => [layer, { kind: 'tokens', value: ALL_TOKENS }]))
  const schedules = new Map(pruned.encoders.map(({ name, schedule }) => [name, keepingAllAt(schedule)]))
  const kept = { ...settings, ...more, method: keepingAll(settings.method), restore: 'auto' } as const
  return (await pruneFile(file, kept, schedules)).model
}

/** The same file, with the scores as further outputs: a dependence need not change the selection in a few samples. */
async function withScores({ file, pruned, settings }: VerifyOptions): Promise<Model> {
  const schedules = new Map(pruned.encoders.map(({ name, schedule }) => [name, schedule]))
  return (await pruneFile(file, { ...settings, trace: 'scores' }, schedules)).model
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
