import type { Plan } from '@tp/compiler'
import type { MethodEntry } from '@tp/core'
import type { ModelFile } from '@tp/data'
import { type PrunedVariant, pruneVariants, type VariantAmount } from '@tp/plans/files'
import { AMOUNTS_MISSING, amountsLabel, amountUnneeded } from '../arguments/read-fields.ts'
import { usageError } from '../arguments/usage-error.ts'
import { interruptible } from '../context/endable.ts'
import { findMethod, loadMethods } from '../plugins/load-methods.ts'
import { layersText } from '../printing/numbers.ts'
import { readWeights, requireValues } from '../pruning/weights.ts'

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
    throw usageError(`--param ${unused}: none of the methods has this option; tp methods NAME lists them`)
  return { methods: [...catalog.values()].map(({ entry }) => entry), entries }
}

/** One row of a comparison, and its names in a table. */
export interface VariantRow extends Pick<PrunedVariant, 'plain' | 'models'> {
  readonly method: string
  /** The budget, as `0.7`; empty for none. */
  readonly keep: string
}

export interface VariantOptions extends ComparedMethods {
  readonly amounts: readonly VariantAmount[]
  /** Layers to leave out without any pruning, one row each. */
  readonly leaveOut?: readonly (readonly number[])[] | undefined
  readonly settings: Partial<Plan>
  /** File of trained values. */
  readonly weights: string | undefined
  readonly signal: AbortSignal
}

/**
 * The rows of a comparison, as `pruneVariants` of `@tp/plans/files` makes them.
 * @throws Refused; TpError TP_USAGE, TP_WEIGHTS with the command that trains the values that are missing, and as `pruneVariants`
 */
export async function namedVariants(
  file: ModelFile,
  { weights, ...options }: VariantOptions,
): Promise<readonly VariantRow[]> {
  const { entries, amounts } = options
  const isScheduled = entries.some((entry) => !entry.create().unscheduled)
  if (isScheduled && amounts.length === 0) throw usageError(AMOUNTS_MISSING)
  if (!isScheduled && amounts.length > 0) {
    const [unneeded] = entries
    throw usageError(unneeded ? amountUnneeded(unneeded.name) : 'a budget needs methods: --methods NAME,NAME…')
  }
  const values = await readWeights(weights)
  const learning = entries.map((entry) => entry.create()).filter(({ params }) => params !== undefined)
  if (values !== undefined && learning.length === 0)
    throw usageError('--weights: none of the methods takes trained values')
  for (const method of learning) requireValues(method, [0, 1], values, file.path)
  const variants = await pruneVariants(file, { ...options, values, compute: interruptible })
  return variants.map(({ method, leaveOut, amount, ...models }) => ({
    method: leaveOut ? `${method}, without ${layersText(leaveOut.toSorted((a, b) => a - b))}` : method,
    keep: amount === undefined ? '' : amountsLabel(amount),
    ...models,
  }))
}
