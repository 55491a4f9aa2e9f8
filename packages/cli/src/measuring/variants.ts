import { fromPlan, type Plan } from '@tp/compiler'
import type { MethodEntry } from '@tp/core'
import { trainedLayers } from '@tp/core/host'
import { pause } from '@tp/core/runtime'
import type { ModelFile } from '@tp/data'
import { inspectEncoders, type PrunedModelFile, planForFile } from '@tp/plans/files'
import { AMOUNTS_MISSING, amountsLabel, amountUnneeded, planOf, type ReadAmount } from '../arguments/read-fields.ts'
import { usageError } from '../arguments/usage-error.ts'
import { findMethod, loadMethods } from '../plugins/load-methods.ts'
import { layersText } from '../printing/numbers.ts'
import { pruneFile } from '../pruning/prune-file.ts'
import { readWeights } from '../pruning/weights.ts'

export interface ComparedMethods {
  /** All that are known. */
  readonly methods: readonly MethodEntry[]
  /** Those that are compared, without `none`. */
  readonly entries: readonly MethodEntry[]
}

/**
 * The methods of a comparison. A parameter goes to the methods that have it.
 * @throws TpError TP_UNKNOWN_METHOD, TP_USAGE for a parameter that none of them has
 */
export async function comparedMethods(
  names: readonly string[],
  { params = {} }: Partial<Plan>,
  plugins: readonly string[] = [],
): Promise<ComparedMethods> {
  const catalog = await loadMethods(plugins)
  const entries = names.filter((name) => name !== 'none').map((name) => findMethod(catalog, name))
  const unused = Object.keys(params).find((name) => !entries.some((entry) => Object.hasOwn(entry.options, name)))
  if (unused !== undefined)
    throw usageError(`--param ${unused}: none of the methods has this option; tp methods lists them`)
  return { methods: [...catalog.values()].map(({ entry }) => entry), entries }
}

/** One row of a comparison: the model pruned one way. */
export interface PrunedVariant {
  /** `none` is the dense model without what no output reads. */
  readonly method: string
  /** The budget, as `0.7`; empty for none. */
  readonly keep: string
  /** The pruned model; where chance chooses the tokens, with the first seed. */
  readonly plain: PrunedModelFile
  /** The models that it answers with; several where chance chooses the tokens, one a seed. */
  readonly models: readonly ((form: { readonly trace?: boolean }) => Promise<PrunedModelFile>)[]
}

export interface VariantOptions {
  readonly file: ModelFile
  readonly compared: ComparedMethods
  readonly amounts: readonly ReadAmount[]
  /** Layers to leave out without any pruning, one row each. */
  readonly leaveOut?: readonly (readonly number[])[] | undefined
  readonly settings: Partial<Plan>
  /** File of trained values. */
  readonly weights: string | undefined
  readonly signal: AbortSignal
}

/** A control that chance decides says little with fewer. */
const SEEDS = 5

/**
 * The rows of a comparison: `none` first, also without some layers, then every method at every amount. A parameter goes to the methods that have it.
 * @throws RefusalError; TpError TP_USAGE, TP_UNKNOWN_METHOD, TP_OPTION and what pruning throws
 */
export async function pruneVariants(options: VariantOptions): Promise<PrunedVariant[]> {
  const { file, amounts, leaveOut = [], settings, signal } = options
  const { params = {}, ...common } = settings
  const { methods, entries } = options.compared
  const scheduled = entries.filter((entry) => !entry.create().unscheduled)
  if (scheduled.length > 0 && amounts.length === 0) throw usageError(AMOUNTS_MISSING)
  if (scheduled.length === 0 && amounts.length > 0) {
    const [unneeded] = entries
    throw usageError(unneeded ? amountUnneeded(unneeded.name) : 'a budget needs methods: --methods NAME,NAME…')
  }
  const values = await readWeights(options.weights)
  const takesValues = (entry: MethodEntry): boolean => entry.create().params !== undefined
  if (values !== undefined && !entries.some(takesValues))
    throw usageError('--weights: none of the methods takes trained values')
  const encoders = inspectEncoders(file.model, common.encoder)
  const variantOf = async (
    name: string,
    own: readonly Plan[],
    amount: ReadAmount = { fields: {} },
    learned?: typeof values,
  ): Promise<PrunedVariant> => {
    const models: PrunedVariant['models'][number][] = []
    for (const plan of own) {
      await pause(signal, 'tp')
      const { method } = fromPlan(plan, methods)
      const read = { plan, methods, method, values: learned }
      const own = await planForFile(file, { ...read, flops: amount.flops }, encoders)
      models.push((form) => pruneFile(file, { ...read, plan: own }, form))
    }
    // Only the first of several is timed, and one prunes as many tokens as another.
    const [first] = models as [(typeof models)[number]]
    return { method: name, keep: amountsLabel(amount), plain: await first({}), models }
  }
  const none: Plan = { ...common, format: 1, method: 'none' }
  const variants = [await variantOf('none', [none])]
  for (const layers of leaveOut) {
    const name = `none, without ${layersText(layers.toSorted((a, b) => a - b))}`
    variants.push(await variantOf(name, [{ ...none, leaveOut: layers }]))
  }
  // Methods are compared at the same layers: those that trained values are for, where none are named.
  const trained = values && layersOfAll(scheduled, values)
  for (const entry of entries) {
    const isScheduled = scheduled.includes(entry)
    const learned = takesValues(entry) ? values : undefined
    // A method that decides by itself needs no amount.
    for (const amount of isScheduled ? amounts : [{ fields: {} }]) {
      const layers = amount.fields.layers ?? (isScheduled ? trained : undefined)
      const fields = { ...common, ...amount.fields, ...(layers && { layers }) }
      const plans = seeded(entry, params).map((own) => planOf(entry, { ...fields, params: own }))
      variants.push(await variantOf(entry.name, plans, amount, learned))
    }
  }
  return variants
}

/**
 * The options of a method among those of a command line, once for each model to make of it: a control that chance decides is
 * repeated with other seeds, unless one is named.
 */
function seeded(entry: MethodEntry, params: NonNullable<Plan['params']>): readonly NonNullable<Plan['params']>[] {
  const own = Object.fromEntries(Object.entries(params).filter(([name]) => Object.hasOwn(entry.options, name)))
  const isChance = entry.name === 'random' && own.seed === undefined
  return isChance ? Array.from({ length: SEEDS }, (_, seed) => ({ ...own, seed: `${seed}` })) : [own]
}

/** @throws TpError TP_USAGE where values of several methods are for different layers */
function layersOfAll(
  entries: readonly MethodEntry[],
  values: NonNullable<Awaited<ReturnType<typeof readWeights>>>,
): Plan['layers'] {
  const found = new Map<string, readonly number[]>()
  for (const entry of entries) {
    const layers = trainedLayers(entry.create(), values)
    if (layers !== undefined) found.set(`${layers}`, layers)
  }
  const [first, ...others] = found.values()
  if (others.length > 0)
    throw usageError(`--weights has values for layers ${[...found.keys()].join(' and ')}, by method; name --layers`)
  return first
}
