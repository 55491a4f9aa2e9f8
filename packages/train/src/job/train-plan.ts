import {
  addChosenOn,
  fromPlan,
  type Inspection,
  inspect,
  layersAt,
  type Plan,
  type PruneReport,
  type QuantizeOptions,
  quantize,
  Refused,
  reportOf,
  type TrainedValues,
  transform,
  transformsOf,
} from '@tp/compiler'
import { type Learned, type MethodEntry, type Schedule, TpError, type Values } from '@tp/core'
import { amountNames, valuesOf } from '@tp/core/host'
import { joinMarks } from '@tp/data/inputs'
import type { Model } from '@tp/onnx'
import { type FitLensOptions, type FittedLens, fitLens } from '../lens/fit-lens.ts'
import type { TrainedJob, TrainingJob } from './job.ts'
import { type LearnedPlan, planAt } from './learned-plan.ts'
import { layersToLearn, type TrainMethodOptions, trainMethod } from './train-method.ts'
import { trainPruned } from './train-pruned.ts'
import { type TrainablePart, trainsOf } from './which-weights.ts'

/** A plan, and what it refers to. */
interface PlanToTrain {
  readonly plan: Plan
  /** The methods among which that of the plan is found. */
  readonly methods: readonly MethodEntry[]
}

export interface TrainPlanOptions extends Omit<TrainingJob, 'trains' | 'finish' | 'about'>, PlanToTrain {
  /** Values that the method has learned; a method that could learn then works with it instead. */
  readonly values?: TrainedValues | undefined
  /** Which weights learn; default: all. */
  readonly part?: TrainablePart
  /** For a method that learns: the share of the FLOPs that is not exceeded on the selection. */
  readonly targetFlops?: number | undefined
  readonly hardEpochs?: TrainMethodOptions['hardEpochs']
  /** Stores the trained model in 8 bits. */
  readonly quantize?: QuantizeOptions | undefined
}

/** A trained model, and how it is pruned. */
export interface TrainedPlan extends TrainedJob {
  readonly layers: readonly number[]
  /** Of the one encoder that is pruned; absent for several. */
  readonly schedule?: Schedule
  /** The values that a method has learned, by layer, and the plan for them, where one can express it. */
  readonly learned?: ReadonlyMap<number, Learned>
  readonly plan?: LearnedPlan
  /** Share of the dense model's FLOPs on the selection; absent where nothing was learned, or they cannot be counted. */
  readonly flops?: number
}

/** Whether the method of a plan is trained with the model: it has something to learn, and no values that it is to work with. */
export function learnsByPlan({
  plan,
  methods,
  values,
}: Pick<TrainPlanOptions, 'plan' | 'methods' | 'values'>): boolean {
  return values === undefined && fromPlan(plan, methods).method.training !== undefined
}

/**
 * Trains a model with its tokens pruned as a plan says: `trainPruned` where the plan decides how, and `trainMethod` for a method that
 * learns where to prune. Layers that the plan leaves out are missing in training, too.
 * @throws as these; Refused; TpError TP_ENCODER where a method would learn in several encoders, TP_SCHEDULE where nothing says how many
 * tokens to keep, and as `transformsOf`
 * @example
 * const plan = { format: 1, method: 'received-attention', keep: 0.7 } as const
 * const { model, selection } = await trainPlan({ dense, source, plan, methods, runtime, inputs, selection: others })
 */
export async function trainPlan(options: TrainPlanOptions): Promise<TrainedPlan> {
  const { plan: whole, methods, values, part = 'all', targetFlops, hardEpochs, quantize: form, ...rest } = options
  const { quantize: _, ...plan } = whole
  const { dense, source } = rest
  const found = trainsOf(part, dense, plan.encoder)
  if (!found.ok) throw new Refused(found.refusal.code, found.refusal.message, found.refusal.node)
  const finish = form && ((model: Model): Model => transform(model, quantize(form)).model)
  const job = { ...rest, ...(found.trains && { trains: found.trains }), ...(finish && { finish }) }
  const params = plan.params ?? {}
  if (!learnsByPlan(options)) {
    const { model, reports } = transform(dense, ...transformsOf(plan, methods, { values, source }))
    const { encoders } = reportOf(reports, 'prune') as PruneReport
    const { leaveOut } = plan
    const trained = await trainPruned({
      ...job,
      pruned: model,
      about: {
        ...{ model: source, method: plan.method, params, train: part, ...(leaveOut?.length && { leaveOut }) },
        schedule: encoders.map(({ name, schedule }) => [name, ...schedule]),
      },
    })
    const layers = [...new Set(encoders.flatMap(({ schedule }) => [...schedule.keys()]))]
    const [only] = encoders.length === 1 ? encoders : []
    return { ...trained, layers, ...(only && { schedule: only.schedule }) }
  }
  const encoder = onlyEncoder(dense, plan, 'learns')
  const { method } = fromPlan(plan, methods)
  const { protect, protectSegment, separator, restore = 'auto', outputs } = plan
  const segment = {
    ...(protectSegment !== undefined && { protectSegment }),
    ...(separator !== undefined && { separator }),
  }
  const named = plan.encoder === undefined ? {} : { encoder: plan.encoder }
  const layers = layersToLearn(method, encoder.layers.length, layersAt(plan, encoder.encoder))
  const schedule = scheduleOf({ ...plan, layers }, methods, encoder)
  if (schedule === undefined && targetFlops === undefined && method.training?.harden === undefined) {
    const advice = 'give a target share of the FLOPs, or an amount such as a keep ratio'
    throw new TpError('TP_SCHEDULE', 'train', `${plan.method} learns which tokens to keep, not how many: ${advice}`)
  }
  const trained = await trainMethod({
    ...job,
    soft: {
      ...{ method, layers, protect: protect ?? 'auto', ...segment, ...named },
      ...(targetFlops !== undefined && { targetFlops }),
    },
    ...(hardEpochs !== undefined && { hardEpochs }),
    ...(schedule && { schedule }),
    pruning: { restore, source, ...(outputs && { outputs }) },
    about: { model: source, params, train: part, ...named, protect, ...segment, restore, outputs },
  })
  const learnedPlan = planAt(
    {
      ...{ format: 1, method: plan.method, ...(plan.params && { params }), ...named },
      ...(protect !== undefined && protect !== 'auto' && { protect }),
      ...segment,
      ...(restore !== 'auto' && { restore }),
    },
    trained.schedule,
  )
  const { flops, ...learned } = trained
  return {
    ...learned,
    layers,
    ...(learnedPlan && { plan: form === undefined ? learnedPlan : { ...learnedPlan, quantize: form } }),
    ...(flops !== undefined && { flops }),
  }
}

export interface FitPlanOptions
  extends PlanToTrain,
    Pick<FitLensOptions, 'model' | 'inputs' | 'runtime' | 'onProgress' | 'signal'> {
  /** A hash of the model's file, for the record that the pruned file keeps. */
  readonly source: string
}

/** A model that is pruned by fitted values. */
export interface FittedPlan extends FittedLens {
  readonly model: Model
  readonly schedule: Schedule
}

/** Methods whose values are fitted in closed form, from examples without labels. */
export const fittedMethods = ['lens'] as const

/**
 * Fits the values of a plan's method in closed form, as `fitLens` does, and prunes the model with them.
 * @throws as `fitLens`; Refused; TpError TP_ENCODER, TP_SCHEDULE
 * @example
 * const plan = { format: 1, method: 'lens', layers: [3], keep: 0.5 } as const
 * const { model, learned, cosine } = await fitPlan({ model: dense, source, plan, methods, inputs, runtime })
 */
export async function fitPlan({ model, source, plan, methods, ...options }: FitPlanOptions): Promise<FittedPlan> {
  const encoder = onlyEncoder(model, plan, 'is fitted')
  const schedule = scheduleOf(plan, methods, encoder)
  if (schedule === undefined) throw new TpError('TP_SCHEDULE', 'train', 'no layer is named, and no amount; name some')
  const { method, protect = 'auto', protectSegment, separator } = fromPlan(plan, methods)
  const fitted = await fitLens({
    ...{ ...options, model, method, schedule, protect },
    ...(plan.encoder !== undefined && { encoder: plan.encoder }),
    ...(protectSegment !== undefined && { protectSegment }),
    ...(separator !== undefined && { separator }),
  })
  const params = (layer: number): Values => valuesOf(method, fitted.learned.get(layer) ?? {}, layer)
  const pruned = transform(model, ...transformsOf(plan, methods, { source, params })).model
  addChosenOn(pruned, await joinMarks([options.inputs]))
  return { ...fitted, schedule, model: pruned }
}

/** The amounts of a plan in one encoder; undefined where it has none. */
function scheduleOf(plan: Plan, methods: readonly MethodEntry[], encoder: Inspection): Schedule | undefined {
  if (amountNames.every((name) => plan[name] === undefined)) return undefined
  const { encoder: name, layers, open } = encoder
  return fromPlan(plan, methods).schedule({ name, layerCount: layers.length, open, among: [name] })
}

/** @throws Refused TP_PRUNED for a model that is pruned already; TpError TP_ENCODER for several encoders */
function onlyEncoder(model: Model, { method, encoder }: Plan, does: 'learns' | 'is fitted'): Inspection {
  const found = inspect(model, encoder === undefined ? {} : { encoder })
  if (!found.ok) throw new Refused(found.refusal.code, found.refusal.message, found.refusal.node)
  const names = found.encoders.filter(({ refusal }) => refusal === undefined).map(({ name }) => name)
  if (encoder === undefined && names.length > 1)
    throw new TpError('TP_ENCODER', 'train', `${method} ${does} in one encoder; name it: ${names.join(' or ')}`)
  if (found.open > 0)
    throw new Refused('TP_PRUNED', 'this model is pruned already; train the file that it was made from')
  return found
}
