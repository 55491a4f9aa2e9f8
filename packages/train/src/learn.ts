import { isTpError, type Learned, type Schedule, scorer, TpError, type Values } from '@tp/core'
import { callMethod, valuesOf } from '@tp/core/host'
import { sampleExamples } from '@tp/data/inputs'
import type { Model } from '@tp/onnx'
import { encoderOptions } from './encoder-options.ts'
import { checkShare, type FitOptions, fitSchedule, flopsMeasure, type PruningOptions, pruned } from './fit-schedule.ts'
import { type ScheduleScorerOptions, scheduleScorer } from './schedule-scorer.ts'
import { mostSchedules, type SearchOptions, searchSchedule } from './search-schedule.ts'
import { encoderOf } from './sizes.ts'
import type { SoftMethod } from './soft-method.ts'
import type { TrainProgress } from './step.ts'
import { type Trained, type TrainOptions, train } from './train.ts'
import type { TrainingWork, WorkDone } from './training-work.ts'
import { allButTables, type Trains, weightsOf, withWeights } from './weights.ts'

export interface LearnOptions extends Omit<TrainOptions, 'soft' | 'onCheckpoint' | 'resume' | 'onProgress' | 'onWork'> {
  /** The dense model. It is not changed. */
  readonly model: Model
  readonly soft: SoftMethod
  /**
   * Used for pruning instead of the learned amounts, for a method that learns none. Without it such a method has the same keep
   * ratio at all of its layers, by the target share of the FLOPs.
   */
  readonly schedule?: Schedule
  /** How amounts are searched for, for a method that has learned to work with any. Default: 5 rounds of 6 of each kind. */
  readonly search?: Pick<SearchOptions, 'generations' | 'children' | 'lowest' | 'onProgress'>
  /** Other options of pruning. */
  readonly pruning?: Omit<PruningOptions, 'encoder' | 'protect' | 'protectSegment' | 'separator'>
  /** Epochs of fine-tuning, with tokens really pruned; default: as many as before. */
  readonly hardEpochs?: number
  /** The last checkpoint of each part. */
  readonly resume?: Partial<Readonly<Record<TrainingPart, Uint8Array>>>
  readonly onCheckpoint?: (bytes: Uint8Array, part: TrainingPart) => void | Promise<void>
  readonly onProgress?: (progress: TrainProgress, part: TrainingPart) => void
  /** As of `train`, and what takes long after a part: amounts are searched or fitted. */
  readonly onWork?: (work: TrainingWork, part: TrainingPart) => void
}

/** Soft training of the method, then fine-tuning of the encoder with tokens really pruned. */
export type TrainingPart = 'soft' | 'hard'

export interface LearnedPruning {
  /** The pruned model. */
  readonly model: Model
  /** The dense model with the weights that were learned. */
  readonly dense: Model
  /** The pruned model before fine-tuning. */
  readonly before: Model
  readonly schedule: Schedule
  readonly learned: ReadonlyMap<number, Learned>
  /** Share of the dense model's FLOPs on the selection set; undefined if they cannot be counted. */
  readonly flops: number | undefined
  readonly soft: Trained
  /** Undefined if no weight of the encoder was to learn. */
  readonly hard: Trained | undefined
}

/** The initial keep ratio of a schedule that a share of the FLOPs decides. */
const UNIFORM = 0.7

/**
 * Learns where to prune: soft training of the method together with the encoder's weights; then what was learned becomes a
 * schedule, which is fitted to the given share of the FLOPs; then fine-tuning of the encoder with tokens really pruned. For a
 * method that has learned to work with any amounts (`Training.lowest`) they are searched (`searchSchedule`). Resumes from
 * checkpoints with the same numbers.
 * @throws as `train`; TpError TP_SCHEDULE if nothing says how many tokens to keep; TP_FLOPS for a share that cannot be reached;
 * and with the codes of refusals, as TP_PRUNED
 */
export async function learnPruning(options: LearnOptions): Promise<LearnedPruning> {
  const {
    model,
    soft,
    selection,
    resume,
    onCheckpoint,
    onProgress,
    onWork,
    hardEpochs,
    pruning,
    schedule,
    search: _,
    ...others
  } = options
  const { method } = soft
  if (resume?.hard !== undefined && resume.soft === undefined) {
    throw new TpError('TP_RESUME', 'train', 'the checkpoint of soft training is missing, which fine-tuning requires')
  }
  const choice = {
    ...pruning,
    ...encoderOptions(soft),
  }
  await checkAims(options, choice)
  const partOf = (part: TrainingPart): Pick<TrainOptions, 'resume' | 'onCheckpoint' | 'onProgress' | 'onWork'> => ({
    ...(resume?.[part] && { resume: resume[part] }),
    ...(onCheckpoint && { onCheckpoint: (bytes) => onCheckpoint(bytes, part) }),
    ...(onProgress && { onProgress: (progress) => onProgress(progress, part) }),
    ...(onWork && { onWork: (work) => onWork(work, part) }),
  })
  const learnedSoftly = await train({ ...others, model, soft, ...partOf('soft') })
  const { learned } = learnedSoftly
  const params = (layer: number): Values => valuesOf(method, learned.get(layer) ?? {}, layer)
  const about = { layerCount: encoderOf(model, soft).layers.length, lengths: options.inputs.lengths }
  const target =
    schedule ??
    callMethod(method.name, 'harden', () => method.training?.harden?.(learned, about)) ??
    (await searched(options, { ...choice, model: learnedSoftly.model, method, params })) ??
    uniform(soft)
  const reduced = (dense: Model, own: Schedule): Model =>
    pruned(dense, { ...choice, method, schedule: own, params }).model
  const fitted = (dense: Model, part: TrainingPart): Promise<FittedOrNot> => {
    const report = (done: WorkDone): void => onWork?.({ task: 'FLOPs', ...done }, part)
    return fitTo(options, { ...choice, model: dense, method, schedule: target, params, onProgress: report })
  }

  const first = await fitted(learnedSoftly.model, 'soft')
  const before = reduced(learnedSoftly.model, first.schedule)
  const common = { before, learned, soft: learnedSoftly }
  const chosen = options.trains ?? allButTables(model)
  // Weights that pruning has added do not learn.
  const trains: Trains = (name, dims) => learnedSoftly.weights.has(name) && chosen(name, dims)
  const epochs = hardEpochs ?? options.epochs
  if (epochs === 0 || weightsOf(before, trains).size === 0) {
    return { ...common, ...first, model: before, dense: learnedSoftly.model, hard: undefined }
  }
  const hard = await train({
    ...others,
    ...(epochs !== undefined && { epochs }),
    model: before,
    ...(selection && { selection }),
    trains,
    ...partOf('hard'),
  })
  const dense = withWeights(learnedSoftly.model, hard.weights)
  // Other weights give other scores, so the amounts are fitted again.
  const last = await fitted(dense, 'hard')
  return { ...common, ...last, model: reduced(dense, last.schedule), dense, hard }
}

const SEARCH = { generations: 5, children: 6 } as const

/** Each schedule of a search is tried on at most this many examples. */
const TRIED_ON = 700

/** The best amounts at the target share, for a method that has learned to work with any. */
async function searched(
  { soft, selection, inputs, runtime, search, seed, signal, onWork }: LearnOptions,
  scorerOptions: Omit<ScheduleScorerOptions, 'runtime' | 'selection'>,
): Promise<Schedule | undefined> {
  const { layers, method, targetFlops } = soft
  if (targetFlops === undefined || method.training?.lowest === undefined) return undefined
  const examples = sampleExamples(selection ?? inputs, TRIED_ON)
  const common = { ...(signal && { signal }) }
  const settings = { ...SEARCH, ...search }
  let tried = 0
  const total = mostSchedules(settings)
  const score = scheduleScorer({
    ...{ ...scorerOptions, ...common, runtime, selection: examples },
    onProgress: (at) => onWork?.({ task: 'search', done: tried + at.done / at.total, total }, 'soft'),
  })
  const { best } = await searchSchedule({
    ...{ ...settings, ...common, layers, targetFlops },
    ...(seed !== undefined && { seed }),
    async evaluate(schedule) {
      const scored = await score(schedule)
      tried += 1
      return scored
    },
  })
  if (best !== undefined) return best.schedule
  throw new TpError(
    'TP_FLOPS',
    'train',
    `no schedule of layers ${layers.join(', ')} takes ${targetFlops} of the FLOPs; ask for more`,
  )
}

type FittedOrNot = Pick<LearnedPruning, 'schedule' | 'flops'>

/** A schedule unchanged, or scaled to the target share of the FLOPs. */
async function fitTo(
  { soft, selection, inputs, runtime, load, signal }: LearnOptions,
  fitOptions: Omit<FitOptions, 'inputs' | 'runtime' | 'targetFlops'>,
): Promise<FittedOrNot> {
  const { targetFlops } = soft
  const measured = {
    ...fitOptions,
    inputs: selection ?? inputs,
    runtime,
    ...(load && { load }),
    ...(signal && { signal }),
  }
  if (targetFlops !== undefined) return fitSchedule({ ...measured, targetFlops })
  const flops = await shareOf(measured, fitOptions.schedule).catch(uncounted)
  return { schedule: fitOptions.schedule, flops }
}

async function shareOf(measured: Omit<FitOptions, 'schedule' | 'targetFlops'>, schedule: Schedule): Promise<number> {
  return flopsMeasure(measured)(schedule)
}

function uncounted(error: unknown): undefined {
  if (!isTpError(error) || error.code !== 'TP_SIZES') throw error
}

/** Checks that would otherwise fail only at the end, before anything is learned. */
async function checkAims(options: LearnOptions, encoder: PruningOptions): Promise<void> {
  const { model, soft, schedule, selection, inputs, runtime } = options
  const { method, layers, targetFlops } = soft
  if (targetFlops === undefined) {
    if (schedule !== undefined || method.training?.harden !== undefined) return
    const advice = 'say how many tokens to keep at each layer, or which share of the FLOPs'
    throw new TpError('TP_SCHEDULE', method.name, `the method learns no amounts: ${advice}`)
  }
  checkShare(targetFlops)
  // No method keeps fewer than one token.
  const { site = 'attention' } = method
  const one = scorer({ name: 'one', family: 'baseline', site, score: (site) => site.position })
  const measure = flopsMeasure({ ...encoder, model, method: one, inputs: selection ?? inputs, runtime })
  const least = await measure(new Map(layers.map((layer) => [layer, { kind: 'tokens', value: 1 }])))
  if (least <= targetFlops) return
  const reason = `with one token kept at layers ${layers.join(', ')}, ${least.toFixed(3)} of the FLOPs remain`
  throw new TpError('TP_FLOPS', 'train', `${reason}, not ${targetFlops}; ask for more, or prune earlier layers`)
}

function uniform({ layers }: SoftMethod): Schedule {
  return new Map(layers.map((layer) => [layer, { kind: 'ratio', value: UNIFORM }]))
}
