import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { POSITIONS } from './prune/extra-outputs.ts'
import { WEIGHTS } from './prune/weigh-rows.ts'

/** Less than an encoder's rounding changes, and more than that of a number. */
const NUDGE = 1e-6

/**
 * Mel frames float32 [b,F,T] with a signal in each: in a frame whose bands are all alike, the first one is a millionth higher. A file that thins
 * padding then keeps every position, and so is its own dense encoder, without another file or session.
 */
export function withoutSilence({ type, dims, data }: TensorLike): TensorLike {
  const [batch = 0, bands = 0, frames = 0] = dims
  const loud = Float32Array.from(data as Float32Array)
  for (let example = 0; example < batch; example++) {
    const at = (band: number, frame: number): number => (example * bands + band) * frames + frame
    for (let frame = 0; frame < frames; frame++) {
      const first = loud[at(0, frame)] as number
      let band = 1
      while (band < bands && loud[at(band, frame)] === first) band++
      if (band === bands) loud[at(0, frame)] = first + NUDGE * Math.max(1, Math.abs(first))
    }
  }
  return { type, dims, data: loud }
}

/** Whether the states that a pruned encoder has given are those of all positions: no position is missing, and none counts for another one. */
export function hasAllPositions(outputs: NamedTensors): boolean {
  const { [POSITIONS]: positions, [WEIGHTS]: weights } = outputs
  if (positions === undefined) return false
  const [batch = 0, count = 0] = positions.dims
  const rows = Array.from(positions.data as BigInt64Array)
  const isComplete = (example: number): boolean => {
    const own = rows.slice(example * count, (example + 1) * count)
    return new Set(own).size === count && own.every((position) => position < count)
  }
  return (
    Array.from({ length: batch }, (_, example) => isComplete(example)).every(Boolean) &&
    Array.from((weights?.data ?? []) as Float32Array).every((logarithm) => logarithm === 0)
  )
}
