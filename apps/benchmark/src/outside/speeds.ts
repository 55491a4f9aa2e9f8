import type { VariantLatency } from '@tp/compare'
import type { NamedTensors } from '@tp/core/runtime'

/** Times as fast as the dense model by the name of a batch, with 95 % intervals. */
export type Speeds = Readonly<Record<string, readonly [value: number, low: number, high: number]>>

/**
 * The speeds of models at each of some batches, by model.
 * @param timed times all models on the same inputs, in turns; the first one is what the others are compared with
 */
export async function speedsByBatch(
  batches: ReadonlyMap<string, readonly NamedTensors[]>,
  timed: (feeds: readonly NamedTensors[]) => Promise<readonly Pick<VariantLatency, 'speedup'>[]>,
): Promise<Speeds[]> {
  const speeds: Record<string, readonly [number, number, number]>[] = []
  for (const [name, feeds] of batches) {
    for (const [i, { speedup }] of (await timed(feeds)).entries()) {
      speeds[i] = { ...speeds[i], [name]: [speedup.value, speedup.low, speedup.high] }
    }
  }
  return speeds
}
