import { type Method, type MethodEntry, type Schedule, schedule, TpError } from '@tp/core'
import { amountNames, findEntry, paramsOf, type readSafetensors, shown, trainedLayers } from '@tp/core/host'
import { type Plan, type PlannedOption, plannedOptions } from './plan/plan.ts'
import { checkQuantizeOptions } from './plan/quantize-options.ts'
import type { NamedEncoder, PruneOptions } from './prune/prune-options.ts'
import { type FixImageSizeReport, fixImageSize } from './transforms/fix-image-size.ts'
import { type LeaveOutReport, leaveOut } from './transforms/leave-out.ts'
import { type PackReport, pack } from './transforms/pack.ts'
import { type PruneReport, prune } from './transforms/prune.ts'
import { type QuantizeReport, quantize } from './transforms/quantize.ts'
import type { Transform } from './transforms/transform.ts'

/** The transforms of a plan. */
export type PlannedTransform =
  | Transform<FixImageSizeReport>
  | Transform<LeaveOutReport>
  | Transform<PruneReport>
  | Transform<QuantizeReport>
  | Transform<PackReport>

/** Values that a method has learned, as `readSafetensors` of `@tp/core/host` reads them from a file. */
export type TrainedValues = ReturnType<typeof readSafetensors>

/**
 * The options of `prune` for a plan. {@link transformsOf} adds the other transforms of the plan.
 * @param methods the methods among which the plan's is found
 * @param values what the method has learned: a plan that names no layers is then about those that the values are for
 * @throws TpError TP_WEIGHTS for values of single layers where layers are left out, which gives the others new numbers; TP_PLAN for a method that is not among them, or that needs no amount and is given one; TP_OPTION for a wrong
 * option of the method or of `quantize`. A schedule that does not fit the model, and layers of an encoder that it does not
 * have, are seen by `prune`.
 */
export function fromPlan(
  plan: Plan,
  methods: readonly MethodEntry[],
  values?: TrainedValues,
): PruneOptions & { readonly schedule: (encoder: NamedEncoder) => Schedule } {
  const entry = findEntry(methods, plan.method)
  if (entry === undefined) {
    const known = methods.map(({ name }) => name).join(', ')
    throw problem('plan', `there is no method ${plan.method}; there are ${known}`)
  }
  if (plan.quantize !== undefined) checkQuantizeOptions(plan.quantize)
  const method = entry.create(plan.params)
  const amount = amountNames.find((name) => plan[name] !== undefined)
  if (method.unscheduled && amount !== undefined) {
    throw problem('plan', `${plan.method} needs no amount; omit ${amount}`)
  }
  if (values !== undefined) refuseValuesOfLayers(plan, method, values)
  const layers = plan.layers ?? (amount && values && method.params ? trainedLayers(method, values) : undefined)
  const own = { ...plan, layers }
  return {
    method,
    schedule(encoder) {
      if (plan.leastTokens !== undefined)
        throw problem('plan', 'leastTokens is about the prompts of decoders, and this is an encoder; omit it')
      requireEncoders(own, encoder)
      return method.unscheduled ? ownSchedule(own, encoder) : scheduleFor(own, encoder)
    },
    ...optionsIn(plan),
    ...(values && { params: (layer: number) => paramsOf(method, values, layer) }),
  }
}

function refuseValuesOfLayers({ leaveOut: left = [] }: Plan, method: Method, values: TrainedValues): void {
  const ofLayers = new Map([...values].filter(([name]) => name.startsWith('layer.')))
  const layers = left.length === 0 ? undefined : trainedLayers(method, ofLayers)
  if (layers === undefined) return
  const seen = `the values are for layers ${layers.join(', ')}, and layers are to be left out, which gives the others new numbers`
  const advice = 'leave them out first, and prune the result with values learned on it'
  throw new TpError('TP_WEIGHTS', 'plan', `${seen}; ${advice}`)
}

/** The fields of a plan that are options of `prune` by the same name. */
function optionsIn(plan: Plan): Pick<Plan, PlannedOption> {
  const isOption = ([name, value]: [string, unknown]): boolean =>
    Object.hasOwn(plannedOptions, name) && value !== undefined
  return Object.fromEntries(Object.entries(plan).filter(isOption))
}

/** Options of pruning that a plan does not say. */
export interface UnplannedOptions extends Partial<Omit<PruneOptions, PlannedOption | 'method' | 'schedule'>> {
  /** Values that the method has learned. */
  readonly values?: TrainedValues | undefined
}

/**
 * The transforms that a plan asks for, in their order.
 * @throws TpError as `fromPlan` does
 * @example
 * const { model, reports } = transform(dense, ...transformsOf(checkPlan(JSON.parse(text), 'plan.json'), methods))
 * const cuts = reportOf(reports, 'prune')?.cuts
 * @example
 * const values = readSafetensors(await readFile('sdtp.safetensors'))
 * const { model } = transform(dense, ...transformsOf({ format: 1, method: 'sdtp', keep: 0.7 }, methods, { values }))
 */
export function transformsOf(
  plan: Plan,
  methods: readonly MethodEntry[],
  { values, ...unplanned }: UnplannedOptions = {},
): readonly PlannedTransform[] {
  const { imageSize, leaveOut: layers, quantize: form, encoder, pack: isPacked } = plan
  const options = fromPlan(plan, methods, values)
  return [
    ...(imageSize === undefined ? [] : [fixImageSize({ imageSize })]),
    ...(layers === undefined ? [] : [leaveOut({ layers, encoder })]),
    prune({ ...options, ...unplanned }),
    ...(form === undefined ? [] : [quantize(form)]),
    ...(isPacked ? [pack()] : []),
  ]
}

/** @throws TpError TP_ENCODER for layers of an encoder that the model does not have, or that cannot be pruned */
function requireEncoders({ layers }: Plan, { among }: NamedEncoder): void {
  if (layers === undefined || isList(layers) || among === undefined) return
  const unknown = Object.keys(layers).find((name) => !among.includes(name))
  if (unknown === undefined) return
  const seen = `layers names the encoder ${shown(unknown)}, but the model has no encoder of that name to prune`
  throw new TpError('TP_ENCODER', 'plan', `${seen}; the model has ${among.join(' and ')}`)
}

/** The layers where a method acts that decides by itself how many tokens are kept: those that are named, or the first. */
function ownSchedule(plan: Plan, { name, layerCount, open }: NamedEncoder): Schedule {
  const layers = layersAt(plan, name) ?? (plan.layers === undefined && open < layerCount ? [open] : [])
  return layers.length === 0 ? new Map() : schedule(layerCount, { layers: [...layers], keep: 1 })
}

function scheduleFor(plan: Plan, { name, layerCount, open }: NamedEncoder): Schedule {
  if (amountNames.every((kind) => plan[kind] === undefined)) return new Map()
  const own = layersAt(plan, name)
  if (own !== undefined) return schedule(layerCount, { ...plan, layers: own })
  if (plan.layers !== undefined) return new Map()
  const later = Array.from({ length: Math.max(0, layerCount - open) }, (_, i) => open + i)
  return schedule(layerCount, { ...plan, layers: open > 0 && later.length > 0 ? later : undefined })
}

/** The layers that a plan names for one encoder, if it does. */
export function layersAt({ layers }: Plan, encoder: string): readonly number[] | undefined {
  if (layers === undefined || isList(layers)) return layers
  return Object.hasOwn(layers, encoder) ? layers[encoder] : undefined
}

function isList(layers: NonNullable<Plan['layers']>): layers is readonly number[] {
  return Array.isArray(layers)
}

function problem(where: string, message: string): TpError {
  return new TpError('TP_PLAN', where, message)
}
