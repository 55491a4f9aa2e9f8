import { flopsFormula } from '@tp/compiler'
import { type AbortSignalLike, pause, type Session } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/data/inputs'
import { tracedCounts } from '@tp/metrics'
import type { Model } from '@tp/onnx'
import { boundedBatches, fittingPass } from './bounded-batches.ts'
import type { WorkDone } from './training-work.ts'

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

export interface WatchedCount {
  readonly signal?: AbortSignalLike
  readonly onProgress?: (progress: WorkDone) => void
}

/** Kept tokens at each layer of a model that was pruned with `trace`, by example. */
export async function keptCounts(
  session: Session,
  inputs: ModelInputs,
  batchSize: number,
  { signal, onProgress }: WatchedCount = {},
): Promise<Map<number, number[]>> {
  const counts = new Map<number, number[]>()
  let done = 0
  for (const rows of boundedBatches(inputs, batchSize, fittingPass)) {
    await pause(signal, 'train')
    const outputs = await session.run(await inputs.feeds(rows), signal ? { signal } : {})
    for (const [layer, kept] of tracedCounts(outputs)) {
      const own = counts.get(layer) ?? []
      rows.forEach((row, i) => {
        own[row] = kept[i] as number
      })
      counts.set(layer, own)
    }
    done += rows.length
    onProgress?.({ done, total: inputs.targets.length })
  }
  return counts
}
