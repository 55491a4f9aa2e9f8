import { type Learned, TpError } from '@tp/core'
import { type AbortSignalLike, type Runtime, type Session, throwIfAborted } from '@tp/core/runtime'
import { evaluate } from '@tp/eval'
import type { ModelInputs } from '@tp/eval/inputs'
import { encodeModel, type Model } from '@tp/onnx'
import { adamW } from './adam-w.ts'
import { copyOf, readCheckpoint, type Standing, writeCheckpoint } from './checkpoint.ts'
import { learnedOf, learnedWeights } from './learned.ts'
import { epochOf, learningRateAt } from './schedule.ts'
import { settingsOf, type TrainSettings } from './settings.ts'
import { encoderOf, modelSizes } from './sizes.ts'
import { stagesOf } from './stages.ts'
import { type Lesson, type TrainProgress, takeStep } from './step.ts'
import type { SoftMethod } from './training-graph.ts'
import { allButTables, type Trains, type Weights, weightsOf, withWeights } from './weights.ts'

export interface TrainOptions extends TrainSettings, Lesson {
  /** What learns: an encoder, mostly with its tokens pruned already. It is not changed. */
  readonly model: Model
  readonly runtime: Runtime
  /** A method that learns where tokens leave: its soft form is put into the model, which no token has left yet. */
  readonly soft?: SoftMethod
  /** How much each token of an example counts, in its own order, for methods that learn from that; default: `saliencyOf`. */
  readonly saliency?: (row: number) => Float32Array
  /** What the best weights are chosen by; without it, and with a soft form, they are the last. */
  readonly selection?: ModelInputs
  /** Which weights learn; default: all but tables of embeddings. */
  readonly trains?: Trains
  /** How a model is loaded to evaluate it; default: from its bytes. For weights that lie in data files. */
  readonly load?: (model: Model) => Promise<Session>
  /** What else makes the training what it is, files and options: a checkpoint of another is not gone on from. */
  readonly about?: Readonly<Record<string, unknown>>
  /** A checkpoint of the same training to go on from. */
  readonly resume?: Uint8Array
  /** Given a checkpoint at every evaluation, and when the training is aborted. */
  readonly onCheckpoint?: (bytes: Uint8Array) => void | Promise<void>
  readonly onProgress?: (progress: TrainProgress) => void
  readonly signal?: AbortSignalLike
}

export interface Trained {
  /** The model with the weights that were best on the selection set. Soft forms are not in it. */
  readonly model: Model
  readonly weights: Weights
  /** What the method learned, by layer; empty without one. */
  readonly learned: ReadonlyMap<number, Learned>
  /** Where they were seen: steps taken, and percent right of the selection set. */
  readonly step: number
  readonly accuracy: number | undefined
  /** What was seen at each step, those before a resumption included. */
  readonly progress: readonly TrainProgress[]
}

/** Where errors of the checkpoint of a soft part come from. */
export const SOFT_PART = 'train, soft part'

/**
 * Trains a model with its pruning in the loop: tokens leave as they do at inference, and gradients flow through those that
 * stay; or, with `soft`, a method learns where they are to leave. The same seed gives the same numbers on one thread, also
 * over a stop and a resumption.
 * @throws TpError TP_OPTION, TP_OUTPUT, TP_GRADIENT, TP_DATA for a label that is no class, TP_RESUME, TP_ABORTED, and
 * TP_DIVERGED where the loss is no number any more
 */
export async function train(options: TrainOptions): Promise<Trained> {
  const { model, inputs, soft, signal, selection, onProgress, onCheckpoint } = options
  const settings = settingsOf(options)
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
  const order = orderOf(count, examples, settings.seed, inputs.lengths)
  const perEpoch = order(0).length
  const steps = Math.ceil(settings.epochs * perEpoch)
  const method = soft && { method: soft.method.name, layers: soft.layers, targetFlops: soft.targetFlops }
  const { about } = options
  const told = { ...settings, ...method, ...about, steps, weights: weights.size, examples: count }
  const standing: Standing =
    options.resume === undefined
      ? { step: 0, progress: [], best: undefined }
      : readCheckpoint(options.resume, told, { weights, optimizer, where: soft === undefined ? 'train' : SOFT_PART })
  await using stages = stagesOf({ ...options, settings, own, learning, steps })
  const every = Math.max(1, Math.round(steps / settings.evaluations))
  while (standing.step < steps) {
    await stopIfAborted(signal, () => onCheckpoint?.(writeCheckpoint(told, weights, optimizer, standing)))
    const { stage, graph } = await stages.at(standing.step)
    const rows = order(Math.floor(standing.step / perEpoch))[standing.step % perEpoch] as number[]
    const learningRate = learningRateAt(standing.step, steps, settings)
    const at = { rows, learningRate, step: standing.step + 1 }
    const taken = await takeStep(graph, options, settings, { weights, optimizer }, at)
    let progress: TrainProgress = { ...taken, steps, ...(soft && { stage }) }
    standing.step += 1
    const isDue = standing.step % every === 0 || standing.step === steps
    if (isDue && selection !== undefined && soft === undefined) {
      const accuracy = await accuracyOf(options, withWeights(model, weights), selection, settings.batchSize)
      if (standing.best === undefined || accuracy > standing.best.accuracy) {
        standing.best = { accuracy, step: standing.step, weights: copyOf(weights) }
      }
      progress = { ...progress, accuracy }
    }
    standing.progress.push(progress)
    onProgress?.(progress)
    if (isDue) await onCheckpoint?.(writeCheckpoint(told, weights, optimizer, standing))
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

/** The batches of each epoch; those of the last one that was asked for are kept. */
function orderOf(count: number, size: number, seed: number, lengths: readonly number[] | undefined) {
  let last: { readonly epoch: number; readonly batches: readonly (readonly number[])[] } | undefined
  return (epoch: number): readonly (readonly number[])[] => {
    if (last?.epoch !== epoch) last = { epoch, batches: epochOf(count, size, lengths, seed + epoch) }
    return last.batches
  }
}

async function accuracyOf(
  { runtime, load = (model) => runtime.load(encodeModel(model), { threads: 1 }), signal }: TrainOptions,
  model: Model,
  selection: ModelInputs,
  batchSize: number,
): Promise<number> {
  await using session = await load(model)
  return (await evaluate(session, selection, { batchSize, signal })).accuracy.estimate
}

async function stopIfAborted(signal: AbortSignalLike | undefined, save: () => void | Promise<void> | undefined) {
  // A run blocks the event loop: let signals through.
  await new Promise((resolve) => setTimeout(resolve))
  if (!signal?.aborted) return
  await save()
  throwIfAborted(signal, 'train')
}
