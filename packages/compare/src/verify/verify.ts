import {
  inspect,
  isPacked,
  leaveOut,
  readLeftOut,
  readProvenance,
  roundsByBatch,
  transform,
  unrounded,
  withExactProducts,
} from '@tp/compiler'
import { isTpError, TpError } from '@tp/core'
import { bareMessage } from '@tp/core/host'
import type { AbortSignalLike, Runtime, Session } from '@tp/core/runtime'
import type { Model } from '@tp/onnx'
import { inputRoles } from '../inputs/input-shapes.ts'
import { answersIn, type TrialRun } from './answers.ts'
import { compareAnswers, roundsToBytes } from './compare-answers.ts'
import { verifyDecoders } from './decoders/verify-decoders.ts'
import type { StatesToRead } from './decoders/verify-states.ts'
import { notVerified } from './differences.ts'
import { type Invariance, requireInvariance } from './invariance.ts'
import { type PruningMethod, withEveryToken } from './keeping-all.ts'
import { type Loadable, loadModel, modelOf, requireComparable } from './load-model.ts'
import { requireNearTies } from './near-ties.ts'
import { requireNear, requireRounded } from './rounded.ts'
import { roundingOf } from './rounding.ts'
import { type Runner, runTrials } from './run-trials.ts'
import { type Arrangement, arrangements, type Trial } from './trials.ts'
import type { Verification } from './verification.ts'

export interface VerifyOptions {
  readonly runtime: Pick<Runtime, 'load'>
  /** For the changed model: `@tp/runtime-native`, if the kernels of a packed file are to be verified. Default: the same. */
  readonly changedRuntime?: Pick<Runtime, 'load'> | undefined
  /** Loads a model that is made for the comparison alone, as one with weights in data files needs it. Default: `runtime`, from bytes. */
  readonly load?: ((model: Model) => Promise<Session>) | undefined
  /** The models between the source and the changed one, in order. Each is then compared with the one that it was made from. */
  readonly steps?: readonly Model[] | undefined
  /** The methods by which tokens were pruned, with what they have learned. With every token kept, answers are those of the source. */
  readonly methods?: readonly PruningMethod[] | undefined
  /** The states of an encoder, for a decoder that was changed to read any number of them, or to weigh them. */
  readonly states?: StatesToRead | undefined
  /** Milliseconds after which no further example is begun; default: 3,000. */
  readonly budget?: number | undefined
  readonly signal?: AbortSignalLike | undefined
}

const BUDGET = 3000

/**
 * Verifies a changed model against its source, without data, by what was done to it: random examples or prompts of unequal lengths, each
 * alone, in a batch, and padded on either side; a single token; two seeds; and a long text. Exact changes are compared with the source, pruned models with every token
 * kept, and their own answers in a batch with those alone. As many examples are run as there is time for.
 * @throws TpError TP_VERIFY where the changed model does not hold, TP_DENSE where the source itself does not, TP_INPUT for inputs that
 * cannot be generated, TP_NOT_ONNX and TP_OPTION for what are not models and a runtime
 *
 * @example
 * const method = tome()
 * const { model } = transform(dense, prune({ method, schedule: schedule(6, { keep: 0.8 }) }))
 * console.log(await verify(model, dense, { runtime: nodeRuntime(), methods: [{ method }] }))
 * // { examples: 14, lengths: [1, 3, 4, … 512], arrangements: ['alone', …], difference: 2e-6, invariance: { 'in a batch': 4, … } }
 */
export async function verify(changed: Loadable, source: Loadable, options: VerifyOptions): Promise<Verification> {
  requireComparable([changed, source], options)
  requireNewer(changed, source)
  const { runtime, changedRuntime = runtime, steps = [], methods = [], states, budget = BUDGET, signal } = options
  const deadline = performance.now() + budget
  const load = options.load ?? ((model: Model) => loadModel(model, runtime, { signal }))
  const opened: Session[] = []
  const open = async (session: Promise<Session>): Promise<Session> => {
    opened.push(await session)
    return await session
  }
  try {
    const dense = await open(loadModel(source, runtime, { signal }))
    const after = (): Promise<Session> => open(changedSession(loadModel(changed, changedRuntime, { signal })))
    const pair = { source: modelOf(source), model: modelOf(changed), dense, methods, budget, signal }
    const made = (model: Model): Promise<Session> => open(load(model))
    const ofDecoder = await verifyDecoders({ ...pair, states, changed: after, open: made })
    if (ofDecoder !== undefined) return ofDecoder
    const between = steps.filter((model) => model !== pair.source && model !== pair.model)
    const runners: MadeModel[] = [{ model: pair.source, session: dense, name: 'the source' }]
    let last = 0
    for (const model of [...between, pair.model]) {
      const before = runners[last]?.model as Model
      const own = await runnersOf(
        before,
        model,
        last,
        { methods, open: made, session: model === pair.model ? after : () => made(model) },
        runners.length,
      )
      runners.push(...own)
      last = runners.findIndex((runner) => runner.model === model)
    }
    const runs = await runTrials({ source: pair.source, roles: inputRoles(pair.source), runners, deadline, signal })
    const trials = runs[0]?.map(({ trial }) => trial) ?? []
    return { ...(await compared(runners, runs, load)), ...about(trials) }
  } finally {
    for (const session of opened.toReversed()) await session.dispose()
  }
}

/** A model that was made from another one of a list. */
interface MadeModel extends Runner {
  readonly model: Model
  /** Every token is kept. */
  readonly keepsAll?: boolean
  /** Sums of 8-bit products do not saturate. */
  readonly isExact?: boolean
}

interface Opening {
  readonly methods: readonly PruningMethod[]
  open(model: Model): Promise<Session>
  session(): Promise<Session>
}

/** A model to compare with the one that it was made from; and, where that prunes tokens, one in which every token is kept. */
async function runnersOf(
  before: Model,
  model: Model,
  madeFrom: number,
  { methods, open, session }: Opening,
  next: number,
): Promise<MadeModel[]> {
  const cuts = readProvenance(model).slice(readProvenance(before).length)
  const found = inspect(before)
  const leavesRows = cuts.some(({ restored }) => restored === undefined) && found.ok
  const changed: MadeModel = {
    ...{ model, session: await session(), name: nameOf(before, model), madeFrom },
    ...(leavesRows && { mayBeShorter: found.tokenOutputs }),
  }
  if (isRoundedNow(before, model)) {
    const [exact, floats] = [withExactProducts(model), withoutRounding(model, before)]
    return [
      changed,
      ...(exact === undefined ? [] : [{ ...changed, session: await open(exact), isExact: true }]),
      ...(floats === undefined
        ? []
        : [{ model: before, session: await open(floats), name: 'without rounding, the model in 8 bits', madeFrom }]),
    ]
  }
  const shallow = withoutLayers(before, model)
  const whole = withEveryToken(shallow, cuts, methods)
  if (whole === undefined) return [changed]
  const name = 'with every token kept, the pruned model'
  const base =
    shallow === before
      ? []
      : [{ model: shallow, session: await open(shallow), name: 'without its layers, the source', madeFrom }]
  const keeping = {
    model: whole,
    session: await open(whole),
    name,
    madeFrom: base.length > 0 ? next + 1 : madeFrom,
    keepsAll: true,
  }
  return [changed, ...base, keeping]
}

/** @throws TpError TP_VERIFY for 8-bit weights that are not those of the source */
function withoutRounding(model: Model, source: Model): Model | undefined {
  try {
    return unrounded(model, source)
  } catch (error) {
    if (isTpError(error) && error.code === 'TP_VALUE') throw notVerified(bareMessage(error))
    throw error
  }
}

/** The layers that one model has less than the other left out of that. */
function withoutLayers(before: Model, after: Model): Model {
  const records = readLeftOut(after).slice(readLeftOut(before).length)
  return records.reduce((model, { layers, encoder }) => transform(model, leaveOut({ layers, encoder })).model, before)
}

/** How near the answers of each model are to those of the one that it was made from. */
async function compared(
  models: readonly MadeModel[],
  runs: readonly (readonly TrialRun[])[],
  load: (model: Model) => Promise<Session>,
): Promise<Omit<Verification, 'examples' | 'lengths'>> {
  const answers = runs.map(answersIn)
  let [difference, rounding]: (number | undefined)[] = []
  let nearTies = 0
  let invariance: Invariance | undefined
  let held: readonly Arrangement[] = arrangements
  for (const [i, { model, name, madeFrom, keepsAll, isExact, session }] of models.entries()) {
    if (madeFrom === undefined) continue
    const [before, own, dense] = [models[madeFrom]?.model as Model, answers[i] ?? [], answers[madeFrom] ?? []]
    const ofSource = { source: before, runs: runs[madeFrom] ?? [], load }
    if (isExact) {
      await requireNear(own, dense, ofSource)
      continue
    }
    const tolerance = roundingOf(before)
    const isPruned = !keepsAll && changesOf(model) !== changesOf(before)
    if (isRoundedNow(before, model)) {
      const { distances } = requireRounded(own, { dense, tolerance, roundsByBatch: roundsByBatch(model) })
      rounding = Math.max(rounding ?? 0, ...Object.values(distances))
      held = held.filter((each) => distances[each] !== undefined)
    } else if (!isPruned) {
      const outputs = session.outputs.map((output) => output.name)
      const seen = compareAnswers(own, dense, { source: before, name, outputs })
      await requireNearTies(seen, ofSource)
      nearTies += new Set(seen.beyond.map(({ example }) => example)).size
      if (roundsToBytes(before)) rounding = Math.max(rounding ?? 0, seen.distance)
      else difference = Math.max(difference ?? 0, seen.distance)
      held = held.filter((each) => seen.arrangements.includes(each))
    }
    if (!isPruned && !keepsAll) continue
    const where = readProvenance(model).at(-1)?.method
    const found = requireInvariance(own, {
      dense,
      source: before,
      where: where === undefined ? 'compare' : `plugin ${where}`,
    })
    if (isPruned) invariance = found
  }
  return {
    arrangements: held,
    ...(difference !== undefined && { difference }),
    ...(rounding !== undefined && { rounding }),
    ...(nearTies > 0 && { nearTies }),
    ...(invariance && { invariance }),
  }
}

/** The examples of some trials. */
function about(trials: readonly Trial[]): Pick<Verification, 'examples' | 'lengths'> {
  const examples = new Map(
    trials.flatMap((trial) => trial.examples.map(({ example, length }) => [example, length] as const)),
  )
  const lengths = [...new Set(examples.values())].filter((length) => length !== undefined)
  return { examples: examples.size, lengths: lengths.toSorted((a, b) => a - b) }
}

function nameOf(before: Model, after: Model): string {
  if (isPacked(after) && !isPacked(before)) return 'the packed model'
  if (isRoundedNow(before, after)) return 'the model in 8 bits'
  return changesOf(after) === changesOf(before) ? 'the changed model' : 'the pruned model'
}

/** A model that cannot be loaded, although its source can. @throws TpError TP_VERIFY */
async function changedSession(loading: Promise<Session>): Promise<Session> {
  return await loading.catch((error: unknown) => {
    if (isTpError(error) && error.code === 'TP_MODEL_LOAD')
      throw notVerified(`no runtime loads it, as one does its source (${error.message})`)
    throw error
  })
}

/** @throws TpError TP_OPTION for models that were given in the wrong order */
function requireNewer(changed: Loadable, source: Loadable): void {
  if (changesOf(modelOf(source)) <= changesOf(modelOf(changed))) return
  const seen = 'the second model has more cuts, or fewer layers, than the first'
  throw new TpError('TP_OPTION', 'compare', `${seen}; call verify(changed, source)`)
}

function isRoundedNow(before: Model, after: Model): boolean {
  return roundsToBytes(after) && !roundsToBytes(before)
}

/** How often a model was changed so that its answers may differ. */
function changesOf(model: Model): number {
  const cuts = readProvenance(model).reduce((sum, step) => sum + step.cuts.length, 0)
  return cuts + readLeftOut(model).length
}
