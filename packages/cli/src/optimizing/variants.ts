import { type MethodEntry, withValues } from '@tp/core'
import { paramsOf } from '@tp/core/host'
import type { Variant } from '@tp/optimize'
import { usageError } from '../arguments/usage-error.ts'
import { readWeights, requireValues } from '../pruning/weights.ts'

/**
 * The methods that a plan is chosen from, those that work with trained values with them inside.
 * @param weights file with the trained values of all that need some
 * @throws TpError TP_WEIGHTS, TP_USAGE
 */
export async function variantsOf(entries: readonly MethodEntry[], weights: string | undefined): Promise<Variant[]> {
  if (weights !== undefined && !entries.some(takesTrainedValues)) {
    const names = entries.map(({ name }) => name).join(', ')
    const among = names === '' ? '' : `, but of ${names} none has anything trained`
    throw usageError(`--weights is given${among}; name a method that learns in --methods`)
  }
  const trained = await readWeights(weights)
  return entries.map((entry) => {
    const method = entry.create()
    if (!takesTrainedValues(entry)) return { entry }
    requireValues(method, [0, 1], trained)
    if (trained === undefined) return { entry }
    const values = (layer: number) => paramsOf(method, trained, layer)
    return { entry: { ...entry, create: (options) => withValues(entry.create(options), values) } }
  })
}

export function takesTrainedValues(entry: MethodEntry): boolean {
  return entry.create().params !== undefined
}
