import { POSITIONS } from '@tp/compiler'
import type { NamedTensors } from '@tp/core/runtime'
import type { Spectrogram } from './protocol.ts'

/**
 * The frames that an encoder of speech heard, and the positions that it kept.
 * @param inputs mel frames float32 [1,F,T]
 * @param outputs `last_hidden_state` [1,n,C], and of a thinned encoder `tp.positions` int64 [1,n]
 * @returns undefined for an encoder of something else
 */
export function melSpectrogram(inputs: NamedTensors, outputs: NamedTensors): Spectrogram | undefined {
  const { input_features: frames } = inputs
  if (frames?.type !== 'float32' || frames.dims.length !== 3) return undefined
  const [, bands, count] = frames.dims as [number, number, number]
  const data = frames.data as Float32Array
  const lowest = data.reduce((least, value) => Math.min(least, value))
  const highest = data.reduce((most, value) => Math.max(most, value))
  const scale = highest === lowest ? 0 : 255 / (highest - lowest)
  const { [POSITIONS]: kept } = outputs
  return {
    bands,
    frames: count,
    levels: Uint8Array.from(data, (value) => (value - lowest) * scale),
    ...(kept && { kept: Array.from(kept.data as BigInt64Array, Number) }),
  }
}
