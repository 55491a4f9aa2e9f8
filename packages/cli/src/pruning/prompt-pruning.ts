import type { DecoderInspection, PrunePromptOptions } from '@tp/compiler'
import { type Amount, countedAmounts } from '@tp/core'
import { amountRules } from '@tp/core/host'
import { usageError } from '../arguments/usage-error.ts'
import type { ReadPlan } from './read-plan.ts'

/** Where a prompt is pruned if no layer is named: two thirds of the way up, as what was measured says (docs/decoders.md). */
function usualLayer(layerCount: number): number {
  return Math.max(0, Math.min(Math.floor((2 * layerCount) / 3), layerCount - 2))
}

/**
 * How the prompt of a decoder is to be pruned; undefined if tokens are not, as with the method `none`.
 * @throws TpError TP_USAGE for more than one layer, or for amounts by layer
 */
export function promptPruningOf(
  { plan, method, flops }: ReadPlan,
  { layerCount }: DecoderInspection,
): PrunePromptOptions | undefined {
  if (plan.method === 'none') return undefined
  if (flops !== undefined) throw usageError(`--flops is for encoders; give ${countedAmounts()}`)
  const { layers = [usualLayer(layerCount)], protect } = plan
  const [layer, ...others] = Array.isArray(layers) ? (layers as readonly number[]) : []
  if (layer === undefined || others.length > 0)
    throw usageError('a decoder prunes a prompt at one layer: --layers L, counted from 0')
  const amounts = Object.entries(amountRules).flatMap(([kind, { name }]): Amount[] => {
    const value = plan[name]
    if (value === undefined) return []
    if (typeof value !== 'number')
      throw usageError(`--${name} is one number for a decoder, which is pruned at one layer`)
    return [{ kind: kind as Amount['kind'], value: value }]
  })
  const [amount] = amounts
  if (amount === undefined)
    throw usageError(
      `${method.name} decides by itself how many tokens are kept, and all caches of a layer are of one length`,
    )
  return { method, amount, layer, ...(Array.isArray(protect) && { protect }) }
}
