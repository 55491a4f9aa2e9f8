import type { PruningStep } from '@tp/compiler'
import { amountText, wholeAmount } from '@tp/core/host'
import { layersText, ranges } from './numbers.ts'

/** The record of one pruning in a file: `tome, keep 0.9 at layers 1–4`. */
export function stepText({ method, encoder, schedule, cuts }: PruningStep): string {
  const layersOf = new Map<string, number[]>()
  for (const [layer, amount] of Object.entries(schedule)) {
    if (!cuts.some((cut) => cut.layer === Number(layer))) continue
    const { kind, value } = wholeAmount
    const text = amount.kind === kind && amount.value === value ? 'as many as it decides' : amountText(amount)
    layersOf.set(text, [...(layersOf.get(text) ?? []), Number(layer)])
  }
  const amounts = [...layersOf].map(([text, layers]) => `${text} at ${layersText(layers, ranges(layers))}`)
  const where = encoder === undefined ? '' : ` on ${encoder}`
  return amounts.length === 0 ? method : `${method}${where}, ${amounts.join(', ')}`
}
