import type { WeightType } from '../plan/quantize-options.ts'

/** How the numbers of a matrix become 8-bit ones. */
export interface Rounding {
  readonly type: WeightType
  /** One scale for each column (the last axis) instead of one for all numbers. */
  readonly perChannel: boolean
  /** 7 bits: without VNNI, sums of two products of 8 bits saturate on x86. */
  readonly reduceRange: boolean
}

/** Weights w ≈ scale·(q − zero): one scale and zero point, or one for each column. */
export interface RoundedWeights {
  readonly data: Int8Array | Uint8Array
  readonly scales: Float32Array
  readonly zeros: Int8Array | Uint8Array
}

/**
 * Rounds weights as onnxruntime's `quantize_dynamic` does (`quantize_data` in `quant_utils.py`), bit for bit:
 *
 *   int8    scale = 2·max|w| / 254 (reduced range: 128),  zero = 0
 *   uint8   scale = (max(w, 0) − min(w, 0)) / 255 (reduced range: 127),  zero = round(−min(w, 0) / scale)
 *   q = clip(round(w / scale) + zero), half to even; scale 1 where all weights are 0
 *
 * @param weights finite numbers; `columns`: size of their last axis
 */
export function roundWeights(weights: Float32Array, columns: number, rounding: Rounding): RoundedWeights {
  const channels = rounding.perChannel ? columns : 1
  const [lows, highs] = rangesOf(weights, channels)
  const isSigned = rounding.type === 'int8'
  const [least, most] = isSigned ? [-128, 127] : [0, 255]
  const scales = new Float32Array(channels)
  const zeros = isSigned ? new Int8Array(channels) : new Uint8Array(channels)
  for (let channel = 0; channel < channels; channel++) {
    const [scale, zero] = scaleOf(lows[channel] as number, highs[channel] as number, rounding)
    scales[channel] = scale
    zeros[channel] = zero
  }
  // One type of array for all, so that the engine compiles one loop; as a byte, −5 has the bits of int8's.
  const bytes = new Uint8Array(weights.length)
  const offsets = Int32Array.from(zeros)
  for (let row = 0; row < weights.length; row += channels) {
    for (let channel = 0; channel < channels; channel++) {
      const steps = Math.fround((weights[row + channel] as number) / (scales[channel] as number))
      const level = Math.fround(steps + HALF_TO_EVEN) - HALF_TO_EVEN + (offsets[channel] as number)
      bytes[row + channel] = Math.min(most, Math.max(least, level))
    }
  }
  return { data: isSigned ? new Int8Array(bytes.buffer) : bytes, scales, zeros }
}

/** Added in float32, and subtracted again, this rounds numbers below 2²² half to even: what follows has no room for fractions. */
const HALF_TO_EVEN = 1.5 * 2 ** 23

/** Smallest and largest number of each channel, and 0. */
function rangesOf(weights: Float32Array, channels: number): [lows: Float32Array, highs: Float32Array] {
  const [lows, highs] = [new Float32Array(channels), new Float32Array(channels)]
  for (let row = 0; row < weights.length; row += channels) {
    for (let channel = 0; channel < channels; channel++) {
      const weight = weights[row + channel] as number
      if (weight < (lows[channel] as number)) lows[channel] = weight
      if (weight > (highs[channel] as number)) highs[channel] = weight
    }
  }
  return [lows, highs]
}

/** The smallest float32 with full precision; what onnxruntime takes for no range at all. */
const TINY = 2 ** -126

function scaleOf(low: number, high: number, { type, reduceRange }: Rounding): [scale: number, zero: number] {
  if (type === 'int8') {
    const scale = (2 * Math.max(-low, high)) / (reduceRange ? 128 : 254)
    return [scale < TINY ? 1 : scale, 0]
  }
  const scale = (high - low) / (reduceRange ? 127 : 255)
  return scale < TINY ? [1, 0] : [scale, halfToEven(-low / scale)]
}

function halfToEven(x: number): number {
  const below = Math.floor(x)
  const rest = x - below
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1
  return below % 2 === 0 ? below : below + 1
}
