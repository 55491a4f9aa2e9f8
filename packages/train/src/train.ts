import { type AbortSignalLike, type Runtime, type Session, TpError, throwIfAborted } from '@tp/core'
import { evaluate, type ModelInputs } from '@tp/eval'
import { encodeModel, type Model } from '@tp/onnx'
import { adamW } from './adam-w.ts'
import { copyOf, readCheckpoint, type Standing, writeCheckpoint } from './checkpoint.ts'
import { epochOf, learningRateAt } from './schedule.ts'
import { type Settings, settingsOf, type TrainSettings } from './settings.ts'
import { type Lesson, stepper, type TrainProgress } from './step.ts'
import { trainingGraph } from './training-graph.ts'
import { allButTables, type Trains, type Weights, weightsOf, withWeights } from './weights.ts'

export interface TrainOptions extends TrainSettings, Lesson {
  /** What learns: an encoder, mostly with its tokens pruned already. It is not changed. */
  readonly model: Model
  readonly runtime: Runtime
  /** What the best weights are chosen by; without it they are the last. */
  readonly selection?: ModelInputs
  /** Which weights learn; default: all but tables of embeddings. */
  readonly trains?: Trains
  /** How a model is loaded to evaluate it; default: from its bytes. For weights that lie in data files. */
  readonly load?: (model: Model) => Promise<Session>
  /** A checkpoint of the same training to go on from. */
  readonly resume?: Uint8Array
  /** Given a checkpoint at every evaluation, and when the training is aborted. */
  readonly onCheckpoint?: (bytes: Uint8Array) => void | Promise<void>
  readonly onProgress?: (progress: TrainProgress) => void
  readonly signal?: AbortSignalLike
}

export interface Trained {
  /** The model with the weights that were best on the selection set. */
  readonly model: Model
  readonly weights: Weights
  /** Where they were seen: steps taken, and percent right of the selection set. */
  readonly step: number
  readonly accuracy: number | undefined
}

/**
 * Trains a model with its pruning in the loop: tokens leave as they do at inference, and gradients flow through those that
 * stay. The same seed gives the same numbers on one thread, also over a stop and a resumption.
 * @throws TpError TP_OPTION, TP_OUTPUT, TP_GRADIENT, TP_DATA for a label that is no class, TP_RESUME, TP_ABORTED, and
 * TP_DIVERGED where the loss is no number any more
 */
export async function train(options: TrainOptions): Promise<Trained> {
  const { model, runtime, inputs, signal, selection, onProgress, onCheckpoint } = options
  const settings = settingsOf(options)
  const weights = weightsOf(model, options.trains ?? allButTables(model))
  if (weights.size === 0) throw new TpError('TP_OPTION', 'train', 'no weight of the model is chosen to learn')
  const optimizer = adamW(weights, settings)
  const count = inputs.targets.length
  const order = orderOf(count, settings, inputs.lengths)
  const perEpoch = order(0).length
  const steps = Math.ceil(settings.epochs * perEpoch)
  const told = JSON.stringify({ ...settings, steps, weights: weights.size, examples: count })
  const standing: Standing =
    options.resume === undefined
      ? { step: 0, best: undefined }
      : readCheckpoint(options.resume, told, weights, optimizer)
  const graph = trainingGraph(model, weights, settings)
  checkTargets(inputs, graph.classes)
  await using session = await runtime.load(graph.bytes, { threads: 1 })
  const takeStep = stepper(session, options, settings, weights, optimizer)
  const every = Math.max(1, Math.round(steps / settings.evaluations))
  while (standing.step < steps) {
    await stopIfAborted(signal, () => onCheckpoint?.(writeCheckpoint(told, weights, optimizer, standing)))
    const rows = order(Math.floor(standing.step / perEpoch))[standing.step % perEpoch] as number[]
    const rate = learningRateAt(standing.step, steps, settings)
    const progress = await takeStep(rows, rate, standing.step + 1)
    standing.step += 1
    const isDue = standing.step % every === 0 || standing.step === steps
    if (isDue && selection !== undefined) {
      const accuracy = await accuracyOf(options, withWeights(model, weights), selection, settings.batchSize)
      if (standing.best === undefined || accuracy > standing.best.accuracy) {
        standing.best = { accuracy, step: standing.step, weights: copyOf(weights) }
      }
      onProgress?.({ ...progress, steps, accuracy })
    } else {
      onProgress?.({ ...progress, steps })
    }
    if (isDue) await onCheckpoint?.(writeCheckpoint(told, weights, optimizer, standing))
  }
  const chosen = standing.best?.weights ?? weights
  return {
    model: withWeights(model, chosen),
    weights: chosen,
    step: standing.best?.step ?? standing.step,
    accuracy: standing.best?.accuracy,
  }
}

function checkTargets({ targets, source }: ModelInputs, classes = Number.POSITIVE_INFINITY): void {
  const at = targets.findIndex((target) => !(Number.isInteger(target) && target >= 0 && target < classes))
  if (at < 0) return
  const seen = `example ${at} has class ${targets[at]}, but the model tells ${classes} classes apart (0…${classes - 1})`
  throw new TpError('TP_DATA', 'train', `${source}: ${seen}`)
}

/** The batches of each epoch; those of the last one that was asked for are kept. */
function orderOf(count: number, { batchSize, seed }: Settings, lengths: readonly number[] | undefined) {
  let last: { readonly epoch: number; readonly batches: readonly (readonly number[])[] } | undefined
  return (epoch: number): readonly (readonly number[])[] => {
    if (last?.epoch !== epoch) last = { epoch, batches: epochOf(count, batchSize, lengths, seed + epoch) }
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
