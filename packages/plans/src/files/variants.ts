import type { FlopsShare } from '@tp/compare'
import { fromPlan, type Plan, type TrainedValues } from '@tp/compiler'
import { type MethodEntry, TpError } from '@tp/core'
import { parseOptions, trainedLayers } from '@tp/core/host'
import { pause } from '@tp/core/runtime'
import type { ModelFile } from '@tp/data'
import { inspectEncoders, planForFile } from './file-plan.ts'
import { type PrunedModelFile, type PruneFileOptions, pruneModelFile } from './prune-file.ts'

/** How many tokens the variants of a comparison keep, and at which layers. */
export interface VariantAmount {
  readonly fields: Partial<Plan>
  /** In place of a keep ratio, which is found for the model. */
  readonly flops?: FlopsShare
}

/** One row of a comparison: the model pruned one way. */
export interface PrunedVariant {
  /** `none` is the dense model without what no output reads. */
  readonly method: string
  /** Layers that are left out, of the model as it was. */
  readonly leaveOut?: readonly number[]
  /** Absent for a method that decides by itself. */
  readonly amount?: VariantAmount
  /** The pruned model; where chance chooses the tokens, with the first seed. */
  readonly plain: PrunedModelFile
  /** The models that it answers with; several where chance chooses the tokens, one a seed. */
  readonly models: readonly ((form: Pick<PruneFileOptions, 'trace'>) => Promise<PrunedModelFile>)[]
}

export interface PruneVariantsOptions extends Pick<PruneFileOptions, 'compute'> {
  /** All methods that are known. */
  readonly methods: readonly MethodEntry[]
  /** Those that are compared, without `none`. */
  readonly entries: readonly MethodEntry[]
  /** Methods with a schedule have a row for each. */
  readonly amounts: readonly VariantAmount[]
  /** Layers to leave out without any pruning, one row each. */
  readonly leaveOut?: readonly (readonly number[])[] | undefined
  /** Fields of all plans; of `params`, as texts, each method takes those that it has. */
  readonly settings?: Partial<Plan>
  readonly values?: TrainedValues | undefined
  readonly signal?: AbortSignal
}

/** A control that chance decides says little with fewer. */
const SEEDS = 5

/**
 * The rows of a comparison: `none` first, also without some layers, then every method at every amount. Methods are compared at the same
 * layers: those that trained values are for, where no amount names some. The control `random` is made with five seeds.
 * @throws Refused; TpError TP_OPTION, TP_WEIGHTS where values of several methods are for different layers, TP_ABORTED, and what pruning throws
 * @example
 * const [dense, half] = await pruneVariants(file, { methods, entries: [entry], amounts: [{ fields: { keep: 0.5 } }] })
 */
export async function pruneVariants(file: ModelFile, options: PruneVariantsOptions): Promise<PrunedVariant[]> {
  const { methods, entries, amounts, leaveOut = [], settings = {}, values, signal, compute } = options
  const { params = {}, ...common } = settings
  const how = compute === undefined ? {} : { compute }
  const encoders = inspectEncoders(file.model, common.encoder)
  const variantOf = async (
    about: Pick<PrunedVariant, 'method' | 'leaveOut' | 'amount'>,
    own: readonly Plan[],
    learned?: TrainedValues,
  ): Promise<PrunedVariant> => {
    const models: PrunedVariant['models'][number][] = []
    for (const plan of own) {
      await pause(signal, 'plans')
      fromPlan(plan, methods)
      const read = { plan, methods, values: learned }
      const fitted = await planForFile(file, { ...read, flops: about.amount?.flops }, encoders)
      models.push((form) => pruneModelFile(file, { ...read, plan: fitted }, { ...form, ...how }))
    }
    // Only the first of several is timed, and one prunes as many tokens as another.
    const [first] = models as [(typeof models)[number]]
    return { ...about, plain: await first({}), models }
  }
  const none: Plan = { ...common, format: 1, method: 'none' }
  const variants = [await variantOf({ method: 'none' }, [none])]
  for (const layers of leaveOut)
    variants.push(await variantOf({ method: 'none', leaveOut: layers }, [{ ...none, leaveOut: layers }]))
  const scheduled = entries.filter((entry) => !entry.create().unscheduled)
  const trained = values && layersOfAll(scheduled, values)
  for (const entry of entries) {
    const isScheduled = scheduled.includes(entry)
    const learned = entry.create().params === undefined ? undefined : values
    for (const amount of isScheduled ? amounts : [undefined]) {
      const layers = amount?.fields.layers ?? (isScheduled ? trained : undefined)
      const fields = { ...common, ...amount?.fields, ...(layers && { layers }) }
      const plans = seeded(entry, params).map((own) => planOf(entry, { ...fields, params: own }))
      variants.push(await variantOf({ method: entry.name, ...(amount && { amount }) }, plans, learned))
    }
  }
  return variants
}

/** A plan of a method whose own options are texts, as a command line has them. @throws TpError TP_OPTION */
export function planOf(entry: MethodEntry, { params = {}, ...fields }: Partial<Plan>): Plan {
  const values = parseOptions(entry.name, entry.options, params as Readonly<Record<string, string>>)
  return { ...fields, format: 1, method: entry.name, ...(Object.keys(values).length > 0 && { params: values }) }
}

/**
 * The options of a method among those of all, once for each model to make of it: a control that chance decides is repeated with other
 * seeds, unless one is named.
 */
function seeded(entry: MethodEntry, params: NonNullable<Plan['params']>): readonly NonNullable<Plan['params']>[] {
  const own = Object.fromEntries(Object.entries(params).filter(([name]) => Object.hasOwn(entry.options, name)))
  const isChance = entry.name === 'random' && own.seed === undefined
  return isChance ? Array.from({ length: SEEDS }, (_, seed) => ({ ...own, seed: `${seed}` })) : [own]
}

/** @throws TpError TP_WEIGHTS where values of several methods are for different layers */
function layersOfAll(entries: readonly MethodEntry[], values: TrainedValues): Plan['layers'] {
  const found = new Map<string, readonly number[]>()
  for (const entry of entries) {
    const layers = trainedLayers(entry.create(), values)
    if (layers !== undefined) found.set(`${layers}`, layers)
  }
  const [first, ...others] = found.values()
  if (others.length === 0) return first
  const seen = `the trained values are for layers ${[...found.keys()].join(' and ')}, by method`
  throw new TpError('TP_WEIGHTS', 'plans', `${seen}; name the layers (--layers)`)
}
