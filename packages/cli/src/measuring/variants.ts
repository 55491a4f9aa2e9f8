import type { Inspection, Pruned, PruneOptions } from '@tp/compiler'
import { type Method, none } from '@tp/core'
import { pause } from '../command/pause.ts'
import { usageError } from '../command/usage-error.ts'
import type { ModelFile } from '../model/model-file.ts'
import { findMethod, loadMethods } from '../plugins/load-methods.ts'
import { BUDGET_MISSING, type Budget, schedulesOf } from '../pruning/budget.ts'
import { createMethod, inspectEncoders, type PruningSettings, pruneFile } from '../pruning/request.ts'

/** One row of a comparison: the model pruned one way. */
export interface Variant {
  /** `none` is the dense model without what no output reads. */
  readonly method: string
  /** The budget, as `0.7`; empty for none. */
  readonly keep: string
  /** The pruned model; several where chance chooses the tokens, one a seed. */
  readonly models: readonly VariantModel[]
}

interface VariantModel {
  readonly plain: Pruned
  /** The same with outputs that say which tokens stayed. */
  traced(): Promise<Pruned>
  /** The same with an input that names one more token that stays. */
  protecting(): Promise<Pruned>
}

/** A control that chance decides says little with fewer. */
const SEEDS = 5

export interface VariantOptions {
  readonly file: ModelFile
  readonly methods: readonly string[]
  readonly budgets: readonly Budget[]
  readonly settings: PruningSettings
  readonly plugins: readonly string[]
  readonly signal: AbortSignal
}

/**
 * The rows of a comparison: `none` first, then every method at every budget. A parameter goes to the methods that have it.
 * @throws RefusalError; TpError TP_USAGE, TP_UNKNOWN_METHOD, TP_OPTION and what pruning throws
 */
export async function pruneVariants(options: VariantOptions): Promise<Variant[]> {
  const { file, methods, budgets, settings, plugins } = options
  const catalog = await loadMethods(plugins)
  const entries = methods.filter((name) => name !== 'none').map((name) => findMethod(catalog, name))
  const unused = Object.keys(settings.params).find(
    (name) => !entries.some((entry) => Object.hasOwn(entry.options, name)),
  )
  if (unused !== undefined)
    throw usageError(`--param ${unused}: none of the methods has this option; tp methods lists them`)
  if (entries.length > 0 && budgets.length === 0) {
    throw usageError(BUDGET_MISSING)
  }
  if (entries.length === 0 && budgets.length > 0) throw usageError('a budget needs methods: --methods NAME,NAME…')

  const encoders = inspectEncoders(file, settings.encoder)
  const variants: Variant[] = [{ method: 'none', keep: '', models: [await variantModel(file, settings, none())] }]
  let takesWeights = false
  for (const entry of entries) {
    const params = Object.fromEntries(
      Object.entries(settings.params).filter(([name]) => Object.hasOwn(entry.options, name)),
    )
    const isChance = entry.name === 'random' && params.seed === undefined
    const seeds = isChance ? Array.from({ length: SEEDS }, (_, seed) => ({ ...params, seed: `${seed}` })) : [params]
    for (const budget of budgets) {
      const models: VariantModel[] = []
      for (const own of seeds) {
        const { method } = createMethod(entry, own)
        await pause(options.signal)
        takesWeights ||= method.params !== undefined
        models.push(await variantModel(file, settings, method, budget, encoders))
      }
      variants.push({ method: entry.name, keep: budget.label, models })
    }
  }
  if (settings.weights !== undefined && !takesWeights)
    throw usageError('--weights: none of the methods takes trained values')
  return variants
}

async function variantModel(
  file: ModelFile,
  settings: PruningSettings,
  method: Method,
  budget?: Budget,
  encoders?: readonly Inspection[],
): Promise<VariantModel> {
  const schedules = budget && encoders ? schedulesOf(budget, file.model, encoders, method) : new Map()
  const weights = method.params === undefined ? undefined : settings.weights
  const prune = (form: Pick<PruneOptions, 'trace' | 'protectInput'>): Promise<Pruned> =>
    pruneFile(file, { ...settings, weights, method, schedules, ...form })
  const plain = await prune({})
  return { plain, traced: () => prune({ trace: true }), protecting: () => prune({ protectInput: true }) }
}
