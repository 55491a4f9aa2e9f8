import { fromPlan, type Inspection, type Plan, type PruneOptions } from '@tp/compiler'
import type { MethodEntry } from '@tp/core'
import { pause } from '@tp/core/runtime'
import type { ModelFile } from '@tp/data'
import {
  AMOUNTS_MISSING,
  amountsLabel,
  amountUnneeded,
  type OpenPlan,
  planOf,
  type WrittenPlan,
} from '../arguments/read-fields.ts'
import { usageError } from '../arguments/usage-error.ts'
import { layersText } from '../printing/numbers.ts'
import type { Pruned } from '../printing/pruned-report.ts'
import { withoutItsLayers } from '../pruning/leave-out.ts'
import { inspectEncoders, pruneFile, settingsOf } from '../pruning/prune-file.ts'
import { schedulesOf } from '../pruning/schedules.ts'
import { layersOf, readWeights, type TrainedValues } from '../pruning/weights.ts'
import type { ComparedMethods } from './compared-methods.ts'
import { seededOptions } from './seeds.ts'

/** One row of a comparison: the model pruned one way. */
export interface PrunedVariant {
  /** `none` is the dense model without what no output reads. */
  readonly method: string
  /** The budget, as `0.7`; empty for none. */
  readonly keep: string
  /** The pruned model; where chance chooses the tokens, with the first seed. */
  readonly plain: Pruned
  /** The models that it answers with; several where chance chooses the tokens, one a seed. */
  readonly models: readonly VariantModel[]
}

/** Prunes a model one way; with `trace`, with outputs that say which tokens were kept. */
type VariantModel = (form: Pick<PruneOptions, 'trace'>) => Promise<Pruned>

export interface VariantOptions {
  readonly file: ModelFile
  readonly compared: ComparedMethods
  readonly amounts: readonly WrittenPlan[]
  /** Layers to leave out without any pruning, one row each. */
  readonly leaveOut?: readonly (readonly number[])[] | undefined
  readonly settings: WrittenPlan
  /** File of trained values. */
  readonly weights: string | undefined
  readonly signal: AbortSignal
}

/**
 * The rows of a comparison: `none` first, also without some layers, then every method at every amount. A parameter goes to the methods that have it.
 * @throws RefusalError; TpError TP_USAGE, TP_UNKNOWN_METHOD, TP_OPTION and what pruning throws
 */
export async function pruneVariants(options: VariantOptions): Promise<PrunedVariant[]> {
  const { file, compared, amounts, leaveOut = [], settings } = options
  const { params = {}, ...common } = settings
  const { methods, entries } = compared
  const scheduled = entries.filter((entry) => !entry.create().unscheduled)
  if (scheduled.length > 0 && amounts.length === 0) throw usageError(AMOUNTS_MISSING)
  if (scheduled.length === 0 && amounts.length > 0) {
    const [unneeded] = entries
    throw usageError(unneeded ? amountUnneeded(unneeded.name) : 'a budget needs methods: --methods NAME,NAME…')
  }

  const weights = await readWeights(options.weights)
  const encoders = inspectEncoders(file, common.encoder)
  const whole: Plan = { ...common, format: 1, method: 'none' }
  const unpruned = (plan: Plan): VariantModel => variantModel(file, { plan, methods, weights }, encoders)
  const variants: PrunedVariant[] = [await variantOf('none', '', [unpruned(whole)])]
  for (const layers of leaveOut) {
    const method = `none, without ${layersText(layers.toSorted((a, b) => a - b))}`
    variants.push(await variantOf(method, '', [unpruned({ ...whole, leaveOut: layers })]))
  }
  // Methods are compared at the same layers: those that trained values are for, where none are named.
  const trained = layersOfAll(scheduled, weights)
  let takesWeights = false
  for (const entry of entries) {
    const seeds = seededOptions(entry, params)
    // A method that decides by itself needs no amount.
    for (const row of scheduled.includes(entry) ? amounts : [{}]) {
      const models: VariantModel[] = []
      for (const texts of seeds) {
        const isAnywhere = row.layers === undefined && scheduled.includes(entry)
        const plan = planOf(entry, {
          ...common,
          ...(isAnywhere && trained && { layers: trained }),
          ...row,
          params: texts,
        })
        await pause(options.signal, 'tp')
        takesWeights ||= fromPlan(plan, methods).method.params !== undefined
        models.push(variantModel(file, { plan, methods, weights }, encoders))
      }
      variants.push(await variantOf(entry.name, amountsLabel(row), models))
    }
  }
  if (weights !== undefined && !takesWeights) throw usageError('--weights: none of the methods takes trained values')
  return variants
}

/** @throws TpError TP_USAGE where values of several methods are for different layers */
function layersOfAll(entries: readonly MethodEntry[], weights: TrainedValues | undefined): Plan['layers'] {
  const found = new Map<string, Plan['layers']>()
  for (const entry of entries) {
    const layers = layersOf({ format: 1, method: entry.name }, entry.create(), weights)
    if (layers !== undefined) found.set(`${layers}`, layers)
  }
  const [first, ...others] = found.values()
  if (others.length > 0)
    throw usageError(`--weights has values for layers ${[...found.keys()].join(' and ')}, by method; name --layers`)
  return first
}

/** Only the first of several models is timed, and one prunes as many tokens as another. */
async function variantOf(method: string, keep: string, models: readonly VariantModel[]): Promise<PrunedVariant> {
  return { method, keep, plain: await (models[0] as VariantModel)({}), models }
}

function variantModel(
  whole: ModelFile,
  {
    plan,
    methods,
    weights,
  }: { readonly plan: OpenPlan; readonly methods: readonly MethodEntry[]; readonly weights: TrainedValues | undefined },
  encoders: readonly Inspection[],
): VariantModel {
  const planned = fromPlan(plan, methods)
  const { method } = planned
  const layers = layersOf(plan, method, weights)
  const settings = settingsOf(plan, planned, method.params === undefined ? undefined : weights)
  const file = withoutItsLayers(whole, plan)
  const schedules = schedulesOf({ plan: { ...plan, ...(layers && { layers }) }, methods }, file.model, encoders)
  return (form) => pruneFile(file, { ...settings, ...form }, schedules)
}
