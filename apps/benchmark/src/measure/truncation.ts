import { flopsFormula } from '@tp/compiler'
import type { Model } from '@tp/onnx'

/**
 * The greatest length to cut texts to, so that a model takes at most the given multiply-adds for all of them, one by
 * one: what a user without token pruning would do for the same cost.
 * @param lengths tokens of each text
 */
export function lengthOfEqualCost(model: Model, lengths: readonly number[], allowed: number): number {
  const formula = flopsFormula(model)
  const flops = Array.from({ length: Math.max(...lengths) + 1 }, () => Number.NaN)
  const cost = (limit: number): number => {
    let total = 0
    for (const length of lengths) {
      const tokens = Math.min(length, limit)
      if (Number.isNaN(flops[tokens])) flops[tokens] = formula({ batch: 1, tokens })
      total += flops[tokens] as number
    }
    return total
  }
  // the special tokens at both ends and one of text
  let [low, high] = [3, Math.max(...lengths)]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (cost(middle) <= allowed) low = middle
    else high = middle - 1
  }
  return low
}
