import { qualityOf } from '@tp/compare'
import { type Learned, TpError } from '@tp/core'
import { type AbortSignalLike, type Runtime, type Session, throwIfAborted } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/data/inputs'
import { encodeModel, type Model } from '@tp/onnx'
import { adamW } from './adam-w.ts'
import { PASS_TOKENS } from './bounded-batches.ts'
import { copyOf, readCheckpoint, type Standing, writeCheckpoint } from './checkpoint.ts'
import { learnedOf, learnedWeights } from './learned.ts'
import { epochOf, learningRateAt } from './schedule.ts'
import { checkPassTokens, settingsOf, type TrainSettings } from './settings.ts'
import { encoderOf, modelSizes } from './sizes.ts'
import type { SoftMethod } from './soft-method.ts'
import { stagesOf } from './stages.ts'
import { type Lesson, type TrainProgress, takeStep } from './step.ts'
import type { TrainingWork, WorkDone } from './training-work.ts'
import { allButTables, type Trains, type Weights, weightsOf, withWeights } from './weights.ts'

export interface TrainOptions extends TrainSettings, Lesson {
  /** The model to train, usually pruned already. It is not changed. */
  readonly model: Model
  readonly runtime: Runtime
  /** A method that learns where to prune: its soft form is inserted into the dense model. */
  readonly soft?: SoftMethod
  /** Saliency of each token of an example, in input order, for methods that learn from it; default: `saliencyOf`. */
  readonly saliency?: (row: number) => Float32Array
  /** Slow work between two steps, and within one. */
  readonly onWork?: (work: TrainingWork) => void
  /** Examples by which the best weights are chosen; without it, and with a soft form, the last weights are taken. */
  readonly selection?: ModelInputs
  /** Which weights learn; default: all but tables of embeddings. */
  readonly trains?: Trains
  /**
   * Tokens of a batch that go through forward and backward pass at once, padding included, or one example; default 1024. Larger batches are
   * run in parts and their gradients added up, so this decides the memory of a training, and no more than the rounding of its numbers.
   */
  readonly passTokens?: number
  /** How a model is loaded to evaluate it; default: from its bytes. For weights in data files. */
  readonly load?: (model: Model) => Promise<Session>
  /** Further settings of the training, files and options: a checkpoint with other settings is refused. */
  readonly about?: Readonly<Record<string, unknown>>
  /** A checkpoint of the same training to resume from. */
  readonly resume?: Uint8Array
  /** Called with a checkpoint at every evaluation, and when the training is aborted. */
  readonly onCheckpoint?: (bytes: Uint8Array) => void | Promise<void>
  readonly onProgress?: (progress: TrainProgress) => void
  readonly signal?: AbortSignalLike
}

export interface Trained {
  /** The model with the weights that were best on the selection set. Soft forms are not in it. */
  readonly model: Model
  readonly weights: Weights
  /** The learned values of the method, by layer; empty without one. */
  readonly learned: ReadonlyMap<number, Learned>
  /** Their step, 0 for those that it began with, and quality on the selection set in percent (`qualityOf` of @tp/data). */
  readonly step: number
  readonly accuracy: number | undefined
  /** The progress of each step, including those before a resumption. */
  readonly progress: readonly TrainProgress[]
}

/** Origin of errors of a checkpoint of soft training. */
export const SOFT_PART = 'train, soft part'

/**
 * Trains a model with its pruning in the loop: tokens are pruned as at inference, and gradients flow through the kept ones; or,
 * with `soft`, a method learns where to prune. The same seed gives the same numbers on one thread, also when stopped and
 * resumed.
 * @throws TpError TP_OPTION, TP_OUTPUT, TP_GRADIENT, TP_DATA for a label that is not a class, TP_RESUME, TP_ABORTED, and
 * TP_DIVERGED if the loss becomes NaN or infinite
 */
export async function train(options: TrainOptions): Promise<Trained> {
  const { model, inputs, soft, signal, selection, onProgress, onCheckpoint, onWork } = options
  const settings = settingsOf(options)
  checkPassTokens(options.passTokens)
  const own = weightsOf(model, options.trains ?? allButTables(model))
  const learning =
    soft === undefined ? new Map() : learnedWeights(soft, modelSizes(encoderOf(model, soft), inputs), settings)
  const weights: Weights = new Map([...own, ...learning])
  if (weights.size === 0) {
    const reason = soft === undefined ? '' : `, and ${soft.method.name} has no values of its own that do`
    throw new TpError('TP_OPTION', 'train', `no weight of the model is chosen to learn${reason}; choose some`)
  }
  const optimizer = adamW(weights, settings)
  const count = inputs.targets.length
  const examples = Math.max(1, Math.floor(settings.batchSize / (soft?.method.training?.copies ?? 1)))
  const order = orderOf(count, examples, settings.seed, inputs)
  const perEpoch = order(0).length
  const steps = Math.ceil(settings.epochs * perEpoch)
  const method = soft && { method: soft.method.name, layers: soft.layers, targetFlops: soft.targetFlops }
  const { about } = options
  const stored = { ...settings, ...method, ...about, steps, weights: weights.size, examples: count }
  const standing: Standing =
    options.resume === undefined
      ? { step: 0, progress: [], best: undefined }
      : readCheckpoint(options.resume, stored, { weights, optimizer, where: soft === undefined ? 'train' : SOFT_PART })
  await using stages = stagesOf({ ...options, settings, own, learning, steps })
  const every = Math.max(1, Math.round(steps / settings.evaluations))
  const isDue = (): boolean => standing.step % every === 0 || standing.step === steps
  const save = async (): Promise<void> => onCheckpoint?.(writeCheckpoint(stored, weights, optimizer, standing))
  /** Whether the weights as they are now have to be evaluated. A training may have been stopped while they were. */
  const isUnknown = (): boolean => {
    const last = standing.progress.at(-1)
    const known = last === undefined ? standing.best : last.accuracy
    return isDue() && known === undefined
  }
  const assess = async (): Promise<void> => {
    if (!isUnknown() || selection === undefined || soft !== undefined) return
    const last = standing.progress.at(-1)
    const accuracy = await accuracyOf(options, withWeights(model, weights), selection, settings.batchSize)
    if (last !== undefined) standing.progress.splice(-1, 1, { ...last, accuracy })
    if (standing.best !== undefined && accuracy <= standing.best.accuracy) return
    standing.best = { accuracy, step: standing.step, weights: copyOf(weights) }
  }
  const endStep = async (): Promise<void> => {
    await assess()
    onProgress?.(standing.progress.at(-1) as TrainProgress)
    if (isDue()) await save()
  }
  const takeNext = async (): Promise<void> => {
    const { stage, graphs } = await stages.at(standing.step)
    const rows = order(Math.floor(standing.step / perEpoch))[standing.step % perEpoch] as number[]
    const learningRate = learningRateAt(standing.step, steps, settings)
    const between = async (done: number, total: number): Promise<void> => {
      onWork?.({ task: 'step', done: standing.step + done / total, total: steps })
      await stopIfAborted(signal)
    }
    const at = { rows, learningRate, step: standing.step + 1, passTokens: options.passTokens, between }
    const taken = await takeStep(graphs, options, settings, { weights, optimizer }, at)
    standing.step += 1
    standing.progress.push({ ...taken, steps, ...(soft && { stage }) })
  }
  try {
    // The learned weights may be worse than the initial ones.
    if (standing.step === 0) await assess()
    else if (isUnknown() && selection !== undefined && soft === undefined) await endStep()
    while (standing.step < steps) {
      await stopIfAborted(signal)
      await takeNext()
      await endStep()
    }
  } catch (error) {
    // A step is taken whole or not at all, so this is where the training can go on from.
    if (signal?.aborted) await save()
    throw error
  }
  const chosen = standing.best?.weights ?? weights
  return {
    model: withWeights(model, chosen),
    weights: chosen,
    learned: soft === undefined ? new Map() : learnedOf(soft.method, soft.layers, chosen),
    step: standing.best?.step ?? standing.step,
    accuracy: standing.best?.accuracy,
    progress: standing.progress,
  }
}

/** The batches of each epoch; those of the last requested one are cached. */
function orderOf(count: number, size: number, seed: number, inputs: Pick<ModelInputs, 'lengths' | 'padded'>) {
  let last: { readonly epoch: number; readonly batches: readonly (readonly number[])[] } | undefined
  return (epoch: number): readonly (readonly number[])[] => {
    if (last?.epoch !== epoch) last = { epoch, batches: epochOf(count, size, inputs, seed + epoch) }
    return last.batches
  }
}

async function accuracyOf(
  { runtime, load = (model) => runtime.load(encodeModel(model), { threads: 1 }), signal, onWork }: TrainOptions,
  model: Model,
  selection: ModelInputs,
  batchSize: number,
): Promise<number> {
  await using session = await load(model)
  const onProgress = (at: WorkDone): void => onWork?.({ task: 'selection', ...at })
  return await qualityOf(session, selection, { batchSize, batchTokens: PASS_TOKENS, signal, onProgress })
}

async function stopIfAborted(signal: AbortSignalLike | undefined): Promise<void> {
  // A run blocks the event loop: let signals arrive.
  await new Promise((resolve) => setTimeout(resolve))
  throwIfAborted(signal, 'train')
}
