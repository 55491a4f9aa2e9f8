import { type MethodEntry, type Schedule, schedule, TpError } from '@tp/core'
import { amountNames, findEntry, shown } from '@tp/core/host'
import { type Plan, type PlannedOption, plannedOptions } from './plan/plan.ts'
import { checkQuantizeOptions } from './plan/quantize-options.ts'
import type { NamedEncoder, PruneOptions } from './prune/prune-options.ts'
import { type LeaveOutReport, leaveOut } from './transforms/leave-out.ts'
import { type PruneReport, prune } from './transforms/prune.ts'
import { type QuantizeReport, quantize } from './transforms/quantize.ts'
import type { Transform } from './transforms/transform.ts'

/** The transforms of a plan. */
export type PlannedTransform = Transform<LeaveOutReport> | Transform<PruneReport> | Transform<QuantizeReport>

/** A plan as `prune` takes it. */
export interface PlannedOptions extends PruneOptions {
  readonly schedule: (encoder: NamedEncoder) => Schedule
}

/**
 * The options of `prune` for a plan. {@link transformsOf} adds the other transforms of the plan.
 * @param methods the methods among which the plan's is found
 * @throws TpError TP_PLAN for a method that is not among them, or that needs no amount and is given one; TP_OPTION for a wrong
 * option of the method or of `quantize`. A schedule that does not fit the model, and layers of an encoder that it does not
 * have, are seen by `prune`.
 */
export function fromPlan(plan: Plan, methods: readonly MethodEntry[]): PlannedOptions {
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
  return {
    method,
    schedule(encoder) {
      requireEncoders(plan, encoder)
      return method.unscheduled ? ownSchedule(plan, encoder) : scheduleFor(plan, encoder)
    },
    ...optionsIn(plan),
  }
}

/** The fields of a plan that are options of `prune` by the same name. */
function optionsIn(plan: Plan): Pick<Plan, PlannedOption> {
  const isOption = ([name, value]: [string, unknown]): boolean =>
    Object.hasOwn(plannedOptions, name) && value !== undefined
  return Object.fromEntries(Object.entries(plan).filter(isOption))
}

/**
 * The transforms that a plan asks for, in their order.
 * @param unplanned options of pruning that a plan does not say
 * @throws TpError as `fromPlan` does
 * @example
 * const { model, reports } = transform(dense, ...transformsOf(checkPlan(JSON.parse(text), 'plan.json'), methods))
 * const cuts = reportOf(reports, 'prune')?.cuts
 */
export function transformsOf(
  plan: Plan,
  methods: readonly MethodEntry[],
  unplanned: Partial<Pick<PruneOptions, 'params' | 'source' | 'trace'>> = {},
): readonly PlannedTransform[] {
  const { leaveOut: layers, quantize: form, encoder } = plan
  const options = fromPlan(plan, methods)
  return [
    ...(layers === undefined ? [] : [leaveOut({ layers, encoder })]),
    prune({ ...options, ...unplanned }),
    ...(form === undefined ? [] : [quantize(form)]),
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
