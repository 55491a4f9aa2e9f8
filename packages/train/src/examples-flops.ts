import { flopsFormula } from '@tp/compiler'
import type { AbortSignalLike, Session } from '@tp/core/runtime'
import { batches, type ModelInputs } from '@tp/eval/inputs'
import { tracedCounts } from '@tp/eval/metrics'
import type { Model } from '@tp/onnx'

/** Multiply-adds of a model for all examples, one by one; `kept`: kept tokens at each layer, by example. */
export function examplesFlops(
  model: Model,
  tokens: readonly (number | undefined)[],
  kept: ReadonlyMap<number, readonly number[]> = new Map(),
): number {
  const formula = flopsFormula(model)
  const known = new Map<string, number>()
  return tokens.reduce<number>((sum, count, i) => {
    const counts = Object.fromEntries([...kept].map(([layer, of]) => [layer, of[i] as number]))
    const key = `${count} ${Object.values(counts).join(' ')}`
    const flops = known.get(key) ?? formula({ batch: 1, ...(count !== undefined && { tokens: count }), kept: counts })
    known.set(key, flops)
    return sum + flops
  }, 0)
}

/** Kept tokens at each layer of a model that was pruned with `trace`, by example. */
export async function keptCounts(
  session: Session,
  inputs: ModelInputs,
  batchSize: number,
  signal?: AbortSignalLike,
): Promise<Map<number, number[]>> {
  const counts = new Map<number, number[]>()
  for (const rows of batches(inputs.targets.length, batchSize, inputs.lengths)) {
    const outputs = await session.run(await inputs.feeds(rows), signal ? { signal } : {})
    for (const [layer, kept] of tracedCounts(outputs)) {
      const own = counts.get(layer) ?? []
      rows.forEach((row, i) => {
        own[row] = kept[i] as number
      })
      counts.set(layer, own)
    }
  }
  return counts
}
