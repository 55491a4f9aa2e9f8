import { basename } from 'node:path'
import { layersAt, type PruneOptions, type QuantizeOptions } from '@tp/compiler'
import { learnedBytes } from '@tp/core/host'
import type { ModelFile } from '@tp/data'
import { loadSession } from '@tp/data/files'
import { nodeRuntime } from '@tp/runtime-node'
import {
  layersToLearn,
  learnedSummary,
  planAt,
  type TrainedJob,
  type TrainingJob,
  type Trains,
  trainMethod,
  trainPruned,
  trainsOf,
} from '@tp/train'
import { requireStored, trainingStore } from '@tp/train/files'
import type { dataOptions } from '../arguments/data-options.ts'
import type { Learning } from '../arguments/learning-options.ts'
import type { Arguments } from '../arguments/option.ts'
import { saysHowMany } from '../arguments/read-fields.ts'
import { usageError } from '../arguments/usage-error.ts'
import type { Context } from '../context/context.ts'
import { RefusalError } from '../model/refusal-error.ts'
import type { TrainingReport } from '../printing/training-report.ts'
import type { Watch } from '../printing/training-watch.ts'
import { withoutItsLayers } from '../pruning/leave-out.ts'
import { inspectEncoders, pruneFile } from '../pruning/prune-file.ts'
import type { PlanToLearn } from '../pruning/read-plan.ts'
import { schedulesOf } from '../pruning/schedules.ts'
import { segmentOf } from '../pruning/segment.ts'
import { quantizeFile } from '../quantizing/quantize-file.ts'
import { openExamples, type selectionOption } from './examples.ts'
import { onlyEncoder } from './only-encoder.ts'

/** A training, by its arguments. */
export interface TrainingTask {
  readonly file: ModelFile
  readonly out: string
  readonly planned: PlanToLearn
  readonly args: Arguments<typeof dataOptions & typeof selectionOption> & {
    readonly data: string
    readonly resume?: boolean
  }
  readonly learning: Learning
  readonly context: Context
  readonly watch: Watch
  /** How the trained model is stored in 8 bits, if it is. */
  readonly quantize: QuantizeOptions | undefined
}

/** A trained model, with the parts of its report that depend on how it was pruned. */
export interface TrainingResult extends TrainedJob {
  readonly about: Pick<TrainingReport, 'layers' | 'plan' | 'schedule' | 'learned' | 'flops'>
  /** File of the values that a method has learned. */
  readonly weights?: Uint8Array
}

/** Options that contradict what a method learns. @throws TpError TP_USAGE */
export function checkLearning({ method, plan, learns }: PlanToLearn, { part, ofMethod }: Learning): void {
  if (learns) return
  const why = method.training === undefined ? 'has nothing to learn' : 'works with --weights here'
  const [own] = ofMethod
  if (own !== undefined) throw usageError(`--${own} is for methods that learn, and ${plan.method} ${why}; leave it out`)
  if (part === 'method') throw usageError(`--train method: ${plan.method} ${why}; train all, vectors or head`)
}

/** The model learns, by a pruning that is given. */
export async function trainModel(work: TrainingTask): Promise<TrainingResult> {
  const { file, planned, learning, out, args, context } = work
  const { plan, settings } = planned
  if (args.resume) await requireStored(out, 'hard')
  context.progress.stage(`pruning ${basename(file.path)}`)
  // The teacher has all layers.
  const shallow = withoutItsLayers(file, plan)
  const schedules = schedulesOf(planned, shallow.model, inspectEncoders(shallow, settings.encoder))
  const pruned = await pruneFile(shallow, settings, schedules)
  const trained = await trainPruned({
    ...(await jobOf(work)),
    pruned: pruned.model,
    about: {
      ...{ model: file.hash(), method: plan.method, params: plan.params ?? {}, train: learning.part },
      ...(plan.leaveOut?.length && { leaveOut: plan.leaveOut }),
      schedule: [...schedules].map(([encoder, schedule]) => [encoder, ...schedule]),
    },
  })
  const [only] = pruned.encoders.length === 1 ? pruned.encoders : []
  return {
    ...trained,
    about: {
      layers: [...new Set([...schedules.values()].flatMap((schedule) => [...schedule.keys()]))],
      ...(only && { schedule: [...only.schedule].map(([layer, amount]) => ({ layer, ...amount })) }),
    },
  }
}

/** The method learns where to prune, together with the model. */
export async function trainLearning(work: TrainingTask): Promise<TrainingResult> {
  const { file, planned, learning, out, args, quantize } = work
  const { method, plan, settings } = planned
  const { encoder, protect, restore, outputs } = settings
  const { targetFlops, hardEpochs, part } = learning
  const only = onlyEncoder(planned, file, 'train')
  requireAmount(planned, learning)
  const layers = layersToLearn(method, only.layers.length, layersAt(plan, only.encoder))
  const hasAmounts = saysHowMany(plan)
  const schedule = hasAmounts
    ? schedulesOf({ ...planned, plan: { ...plan, layers } }, file.model, [only]).get(only.encoder)
    : undefined
  if (args.resume) await requireStored(out, 'soft')
  const segment = await segmentOf(file, settings)
  const pruning: Pick<PruneOptions, 'restore' | 'source' | 'outputs'> = {
    ...{ restore, source: file.hash() },
    ...(outputs && { outputs }),
  }
  const params = plan.params ?? {}
  const trained = await trainMethod({
    ...(await jobOf(work)),
    soft: {
      ...{ method, layers, protect, ...segment },
      ...(targetFlops !== undefined && { targetFlops }),
      ...(encoder !== undefined && { encoder }),
    },
    ...(hardEpochs !== undefined && { hardEpochs }),
    ...(schedule && { schedule }),
    pruning,
    about: { model: file.hash(), params, train: part, encoder, protect, ...segment, restore, outputs },
  })
  const learnedPlan = planAt(
    {
      ...{ format: 1, method: plan.method },
      ...(Object.keys(params).length > 0 && { params }),
      ...(encoder !== undefined && { encoder }),
      ...(protect !== 'auto' && { protect }),
      ...segment,
      ...(restore !== 'auto' && { restore }),
    },
    trained.schedule,
  )
  return {
    ...trained,
    about: {
      layers,
      ...(learnedPlan && { plan: quantize === undefined ? learnedPlan : { ...learnedPlan, quantize } }),
      schedule: [...trained.schedule].map(([layer, amount]) => ({ layer, ...amount })),
      learned: learnedSummary(trained.learned),
      ...(trained.flops !== undefined && { flops: trained.flops }),
    },
    weights: learnedBytes(trained.learned),
  }
}

/** The options that both share. */
async function jobOf(work: TrainingTask): Promise<TrainingJob> {
  const { file, out, planned, args, learning, context, watch, quantize } = work
  const { signal } = context
  const trains = trainsHere(file, learning, planned.settings.encoder)
  return {
    ...{ dense: file.model, source: file.hash(), runtime: nodeRuntime(), settings: learning.settings ?? {} },
    load: (model) => loadSession(nodeRuntime(), model, file, { threads: 1, signal }),
    ...(await openExamples(file, args, context)),
    ...(trains && { trains }),
    ...(quantize && { finish: (model) => quantizeFile({ ...file, model }, quantize).model }),
    ...{ store: trainingStore(out), resume: args.resume === true, observer: watch, signal },
  }
}

/** @throws RefusalError where the head of the model is not found */
function trainsHere({ path, model }: ModelFile, { part }: Learning, encoder: string | undefined): Trains | undefined {
  const found = trainsOf(part, model, encoder)
  if (!found.ok) throw new RefusalError(path, found.refusal)
  return found.trains
}

/** @throws TpError TP_USAGE where nothing says how many tokens to keep */
function requireAmount({ method, plan }: PlanToLearn, { targetFlops }: Learning): void {
  if (saysHowMany(plan) || targetFlops !== undefined || method.training?.harden !== undefined) return
  const advice = 'give --target-flops F, or an amount such as --keep'
  throw usageError(`${plan.method} learns which tokens to keep, not how many: ${advice}`)
}
