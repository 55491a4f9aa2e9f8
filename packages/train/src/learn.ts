import { type Pruned, prune } from '@tp/compiler'
import { type Learned, type Schedule, TpError, type Values, valuesOf } from '@tp/core'
import type { Model } from '@tp/onnx'
import { fitSchedule } from './fit-schedule.ts'
import type { TrainProgress } from './step.ts'
import { type Trained, type TrainOptions, train } from './train.ts'
import type { SoftMethod } from './training-graph.ts'
import { allButTables, withWeights } from './weights.ts'

export interface LearnOptions extends Omit<TrainOptions, 'soft' | 'onCheckpoint' | 'resume' | 'onProgress'> {
  /** The dense model. It is not changed. */
  readonly model: Model
  readonly soft: SoftMethod
  /** What a method goes by that learns no amounts of its own. */
  readonly schedule?: Schedule
  /** Times that every example is seen after tokens have begun to leave for good; default: as often as before. */
  readonly hardEpochs?: number
  readonly resume?: Partial<Readonly<Record<Part, Uint8Array>>>
  readonly onCheckpoint?: (bytes: Uint8Array, part: Part) => void | Promise<void>
  readonly onProgress?: (progress: TrainProgress, part: Part) => void
}

/** A method learns softly, then the encoder learns with tokens leaving. */
export type Part = 'soft' | 'hard'

export interface LearnedPruning {
  /** The pruned model. */
  readonly model: Model
  /** The dense model with the weights that were learned. */
  readonly dense: Model
  readonly schedule: Schedule
  readonly learned: ReadonlyMap<number, Learned>
  /** Share of the dense model's FLOPs on the selection set, where one was aimed at. */
  readonly flops: number | undefined
  readonly soft: Trained
  readonly hard: Trained | undefined
}

/**
 * Learns where tokens leave: the method in its soft form and the encoder's weights together; then what was learned becomes
 * a schedule, which is fitted to the share of the FLOPs that was asked for; then the encoder learns on with its tokens
 * leaving. Goes on from checkpoints to the same numbers.
 */
export async function learnPruning(options: LearnOptions): Promise<LearnedPruning> {
  const { model, soft, selection, resume, onCheckpoint, onProgress, hardEpochs, ...others } = options
  const { method, layers, targetFlops, tower } = soft
  const partOf = (part: Part): Pick<TrainOptions, 'resume' | 'onCheckpoint' | 'onProgress'> => ({
    ...(resume?.[part] && { resume: resume[part] }),
    ...(onCheckpoint && { onCheckpoint: (bytes) => onCheckpoint(bytes, part) }),
    ...(onProgress && { onProgress: (progress) => onProgress(progress, part) }),
  })
  const learnedSoftly = await train({ ...others, model, soft, ...partOf('soft') })
  const { learned } = learnedSoftly
  const params = (block: number): Values => valuesOf(method, learned.get(block) ?? {}, block)
  const asked = method.training?.harden?.(learned) ?? options.schedule
  if (asked === undefined) {
    throw new TpError('TP_SCHEDULE', method.name, 'the method learns no amounts: say how much stays at each block')
  }
  const encoder = tower === undefined ? {} : { tower }
  const fitted = async (dense: Model) => {
    if (targetFlops === undefined) return { schedule: asked, flops: undefined }
    const examples = selection ?? options.inputs
    const { runtime, signal } = others
    return fitSchedule({
      ...{ model: dense, method, schedule: asked, params, targetFlops, inputs: examples, runtime, ...encoder },
      ...(signal && { signal }),
    })
  }
  const pruned = (dense: Model, schedule: Schedule): Pruned => {
    const result = prune(dense, { method, schedule, params, ...encoder })
    if (!result.ok) throw new TpError(result.refusal.code, 'train', result.refusal.message)
    return result
  }
  const first = await fitted(learnedSoftly.model)
  const epochs = hardEpochs ?? options.epochs
  if (epochs === 0) {
    const { schedule, flops } = first
    const dense = learnedSoftly.model
    return {
      model: pruned(dense, schedule).model,
      dense,
      schedule,
      learned,
      flops,
      soft: learnedSoftly,
      hard: undefined,
    }
  }
  const trains = options.trains ?? allButTables(model)
  const hard = await train({
    ...others,
    ...(epochs !== undefined && { epochs }),
    model: pruned(learnedSoftly.model, first.schedule).model,
    ...(selection && { selection }),
    // What the pruning has brought along stands still.
    trains: (name, dims) => learnedSoftly.weights.has(name) && trains(name, dims),
    ...partOf('hard'),
  })
  const dense = withWeights(learnedSoftly.model, hard.weights)
  // Other weights give other scores: the amounts are fitted once more.
  const { schedule, flops } = await fitted(dense)
  return { model: pruned(dense, schedule).model, dense, schedule, learned, flops, soft: learnedSoftly, hard }
}
