import { type MethodEntry, type Schedule, type ScheduleOptions, schedule, TpError } from '@tp/core'
import { type AmountName, amountNames, findEntry, isRecord, type OptionValues, shown } from '@tp/core/host'
import { readQuantizeOptions } from './quantize/quantize-options.ts'
import { isRestore, type NamedEncoder, type PruneOptions } from './transform/prune-options.ts'

/**
 * What to do to a model, as JSON, in the words of the command line. Without an amount only dead tokens are
 * eliminated, as with the method `none`, and a method acts that needs none.
 */
export interface Plan
  extends Omit<ScheduleOptions, 'layers'>,
    Pick<PruneOptions, 'encoder' | 'protect' | 'protectSegment' | 'separator' | 'restore' | 'leaveOut' | 'quantize'> {
  readonly format: 1
  /** Name of the method, or of two that act one after the other: `thin-padding+stride`. */
  readonly method: string
  /** The method's own options. */
  readonly params?: OptionValues
  /**
   * Layers, from 0, or by name of the encoder those of each; encoders that are not named are not pruned. Default: all but
   * the first, and in a model that was pruned before all that are open. Where layers are left out, those that remain are counted.
   */
  readonly layers?: readonly number[] | Readonly<Record<string, readonly number[]>> | undefined
}

/** A plan as `prune` takes it. */
export interface PlannedOptions extends PruneOptions {
  readonly schedule: (encoder: NamedEncoder) => Schedule
}

type PlanCheck = readonly [is: (value: unknown) => boolean, form: string]

const text: PlanCheck = [(value) => typeof value === 'string' && value !== '', 'a text']
const amount: PlanCheck = [(value) => isNumber(value) || isNumbers(value), 'a number or a list of numbers']

const fields: Readonly<Record<keyof Plan, PlanCheck>> = {
  format: [(value) => value === 1, '1'],
  method: text,
  params: [
    (value) => isRecord(value) && Object.values(value).every(isOption),
    'an object of numbers, texts, and true or false',
  ],
  encoder: text,
  layers: [
    (value) => isNumbers(value) || (isRecord(value) && Object.values(value).every(isNumbers)),
    'a list of numbers, or an object of such lists by encoder',
  ],
  ...(Object.fromEntries(amountNames.map((name) => [name, amount])) as Record<AmountName, typeof amount>),
  protect: [(value) => value === 'auto' || isNumbers(value), '"auto" or a list of positions'],
  protectSegment: [(value) => isNumber(value), 'the number of a segment'],
  separator: [(value) => isNumber(value), 'the id of a token'],
  restore: [isRestore, '"auto", "nearest", "none" or "all"'],
  leaveOut: [isNumbers, 'a list of numbers of layers, from 0'],
  quantize: [isRecord, 'an object, the options of quantize; {} for the defaults'],
}

/**
 * A plan that was read from a file.
 * @param where the file, for errors
 * @throws TpError TP_PLAN if it is not one
 */
export function checkPlan(value: unknown, where: string): Plan {
  if (!isRecord(value)) throw problem(where, 'this is not a plan; it must be an object with format and method')
  for (const name of ['format', 'method'] as const) {
    if (value[name] === undefined) throw problem(where, `${name} is missing; it must be ${fields[name][1]}`)
  }
  for (const [name, given] of Object.entries(value)) {
    if (!Object.hasOwn(fields, name)) {
      throw problem(where, `there is no ${name.slice(0, 40)} in a plan; it may have ${Object.keys(fields).join(', ')}`)
    }
    const [is, form] = fields[name as keyof Plan]
    if (!is(given)) throw problem(where, `${name} is ${shown(given)}; it must be ${form}`)
  }
  return value as unknown as Plan
}

/** Plans by the size of a run, as `@tp/tune` writes them: smaller runs may be faster dense. */
export interface RegimesPlan {
  readonly format: 1
  /** Upwards; the last one has no limit. */
  readonly regimes: readonly Regime[]
}

export interface Regime {
  /** Most positions of a run: examples times tokens of each, padding included. */
  readonly upTo?: number
  readonly plan: Plan
}

/** Whether what was read from a file is a plan with regimes. */
export function hasRegimes(value: unknown): boolean {
  return isRecord(value) && value.regimes !== undefined
}

/**
 * A plan with regimes that was read from a file; what else stands in it is not looked at.
 * @throws TpError TP_PLAN if it is not one
 */
export function checkRegimes(value: unknown, where: string): RegimesPlan {
  if (!isRecord(value) || value.format !== 1 || !Array.isArray(value.regimes) || value.regimes.length === 0) {
    throw problem(where, 'this is not a plan with regimes; it must be an object with format 1 and a list of regimes')
  }
  const regimes: readonly unknown[] = value.regimes
  const last = regimes.length - 1
  let before = 0
  for (const [i, regime] of regimes.entries()) {
    const { upTo, plan } = isRecord(regime) ? regime : {}
    checkPlan(plan, `${where}, regime ${i}`)
    if (i === last ? upTo !== undefined : !(isNumber(upTo) && Number.isInteger(upTo) && (upTo as number) > before)) {
      const form = i === last ? 'the last one has no limit' : `it must be a whole number above ${before}`
      throw problem(where, `upTo of regime ${i} is ${shown(upTo)}; ${form}`)
    }
    before = upTo as number
  }
  return value as unknown as RegimesPlan
}

/**
 * What `prune` takes for a plan.
 * @param methods what its method is looked for in
 * @throws TpError TP_PLAN for a method that is not among them, or that needs no amount and is given one; TP_OPTION for a wrong option of the method or of `quantize`. A schedule that
 * does not fit the model, and layers of an encoder that it does not have, are seen by `prune`.
 */
export function fromPlan(plan: Plan, methods: readonly MethodEntry[]): PlannedOptions {
  const entry = findEntry(methods, plan.method)
  if (entry === undefined) {
    const known = methods.map(({ name }) => name).join(', ')
    throw problem('plan', `there is no method ${plan.method}; there are ${known}`)
  }
  const { encoder, protect, protectSegment, separator, restore, leaveOut, quantize } = plan
  if (quantize !== undefined) readQuantizeOptions(quantize)
  const method = entry.create(plan.params)
  const amount = amountNames.find((name) => plan[name] !== undefined)
  if (method.unscheduled && amount !== undefined) {
    throw problem('plan', `${plan.method} needs no amount, and obeys none; omit ${amount}`)
  }
  return {
    method,
    schedule(encoder) {
      requireEncoders(plan, encoder)
      return method.unscheduled ? ownSchedule(plan, encoder) : scheduleFor(plan, encoder)
    },
    ...(encoder !== undefined && { encoder }),
    ...(protect !== undefined && { protect }),
    ...(protectSegment !== undefined && { protectSegment }),
    ...(separator !== undefined && { separator }),
    ...(restore !== undefined && { restore }),
    ...(leaveOut !== undefined && { leaveOut }),
    ...(quantize !== undefined && { quantize }),
  }
}

/** @throws TpError TP_ENCODER for layers of an encoder that the model does not have, or that cannot be pruned */
function requireEncoders({ layers }: Plan, { among }: NamedEncoder): void {
  if (layers === undefined || isList(layers) || among === undefined) return
  const unknown = Object.keys(layers).find((name) => !among.includes(name))
  if (unknown === undefined) return
  const seen = `layers names the encoder ${shown(unknown)}, and there is none of that name to prune`
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

function isNumber(value: unknown): boolean {
  return typeof value === 'number'
}

function isNumbers(value: unknown): boolean {
  return Array.isArray(value) && value.every(isNumber)
}

function isOption(value: unknown): boolean {
  return ['number', 'string', 'boolean'].includes(typeof value)
}

function problem(where: string, message: string): TpError {
  return new TpError('TP_PLAN', where, message)
}
