/** The ranges of the channels (features) of a value on some examples. */
export interface ChannelRanges {
  /** Smallest and largest number of each. */
  readonly low: Float32Array
  readonly high: Float32Array
  /** Mean of the squares of each. */
  readonly meanSquare: Float64Array
}

/** A matrix [rows, columns] that a value is multiplied with; a row for each of its channels. */
export interface ReadingWeights {
  readonly data: Float32Array
  readonly columns: number
}

export interface Smoothing {
  /**
   * The factor by which each channel is divided, and its row of the weights multiplied: a power of 2, 1 or more, so that
   * nothing is rounded.
   */
  readonly scales: Float32Array
  /** Variance of the rounding in the products, relative to that of the products: as they are, and with the scales. */
  readonly before: number
  readonly after: number
}

/** Ratio of the levels that are tried. */
const STEP = 0.8
/** As many of them: down to a hundredth of the largest number. */
const STEPS = 20

/**
 * Scales that make a value easier to store in 8 bits. Activations have one scale for all channels, set by the loudest; channels louder
 * than a level are divided until they are not, as in SmoothQuant (Xiao et al., arXiv:2211.10438), and their rows of the weights multiplied, so that
 * products are the same. SmoothQuant scales all channels, by a power of their range; that is made for one scale for all weights, and with
 * one for each column it loses more than it gains. The level is the one with the least rounding noise, activations' and weights' together:
 *
 *     Δa² / 12 · Σ (s·W)²  +  Σ_columns Δw² / 12 · Σ E (x / s)²,   Δa = range / 255,   Δw = 2 max |s·W| / 254
 */
export function smoothScales(ranges: ChannelRanges, weights: readonly ReadingWeights[]): Smoothing {
  const { low, high, meanSquare } = ranges
  const loudness = high.map((most, channel) => Math.max(most, -(low[channel] as number)))
  const loudest = loudness.reduce((a, b) => Math.max(a, b), 0)
  let scales = new Float32Array(loudness.length).fill(1)
  const before = noiseOf(ranges, weights, scales)
  let after = before
  for (let step = 1, level = STEP * loudest; step <= STEPS && level > 0; step++, level *= STEP) {
    const tried = loudness.map((own) => 2 ** Math.max(0, Math.ceil(Math.log2(own / level))))
    const noise = noiseOf(ranges, weights, tried)
    if (noise < after) [scales, after] = [tried, noise]
  }
  const whole = signalOf(meanSquare, weights)
  return whole === 0 ? { scales, before: 0, after: 0 } : { scales, before: before / whole, after: after / whole }
}

/** The part of a channel's range that its weights take over. */
const ALPHA = 0.7

/** The loudest number of a channel in a usual token, over the root mean square of it. */
const USUAL = 3

/**
 * Scales for a value that is rounded token by token, where a channel need not be far louder than the others to cost them their precision: those of
 * SmoothQuant, of all channels, as powers of 2, around 1.
 *
 *     s = max|x|^α / max|W|^(1 − α)
 */
export function smoothScalesByToken(ranges: ChannelRanges, weights: readonly ReadingWeights[]): Smoothing {
  const { low, high, meanSquare } = ranges
  const logs = Array.from(high, (most, channel) => {
    const loudness = Math.max(most, -(low[channel] as number))
    const weight = weights.reduce((largest, each) => Math.max(largest, largestOfRow(each, channel)), 0)
    return loudness === 0 || weight === 0 ? 0 : ALPHA * Math.log2(loudness) - (1 - ALPHA) * Math.log2(weight)
  })
  const middle = logs.reduce((sum, log) => sum + log, 0) / Math.max(1, logs.length)
  const scales = Float32Array.from(logs, (log) => 2 ** Math.round(log - middle))
  const whole = signalOf(meanSquare, weights)
  // The range of a usual token is narrower than that of all.
  const usual = Float32Array.from(meanSquare, (square) => USUAL * Math.sqrt(square))
  const ofTokens = { low: usual.map((most) => -most), high: usual, meanSquare }
  const [before, after] = [new Float32Array(scales.length).fill(1), scales].map((each) =>
    whole === 0 ? 0 : noiseOf(ofTokens, weights, each) / whole,
  ) as [number, number]
  return { scales, before, after }
}

function largestOfRow({ data, columns }: ReadingWeights, row: number): number {
  let largest = 0
  for (let at = row * columns; at < (row + 1) * columns; at++) largest = Math.max(largest, Math.abs(data[at] as number))
  return largest
}

function noiseOf(
  { low, high, meanSquare }: ChannelRanges,
  weights: readonly ReadingWeights[],
  scales: Float32Array,
): number {
  let [least, most, energy] = [0, 0, 0]
  for (let channel = 0; channel < scales.length; channel++) {
    const scale = scales[channel] as number
    least = Math.min(least, (low[channel] as number) / scale)
    most = Math.max(most, (high[channel] as number) / scale)
    energy += (meanSquare[channel] as number) / scale ** 2
  }
  const step = (most - least) / 255
  return weights.reduce((sum, { data, columns }) => {
    const largest = new Float64Array(columns)
    let squares = 0
    for (let channel = 0, at = 0; channel < scales.length; channel++) {
      const scale = scales[channel] as number
      for (let column = 0; column < columns; column++, at++) {
        const weight = Math.abs(scale * (data[at] as number))
        squares += weight * weight
        if (weight > (largest[column] as number)) largest[column] = weight
      }
    }
    const steps = largest.reduce((total, weight) => total + (weight / 127) ** 2, 0)
    return sum + (step ** 2 * squares + steps * energy) / 12
  }, 0)
}

/** Variance of the products, if channels are independent of each other. */
function signalOf(meanSquare: Float64Array, weights: readonly ReadingWeights[]): number {
  return weights.reduce((sum, { data, columns }) => {
    let own = 0
    for (let at = 0; at < data.length; at++) {
      own += (meanSquare[Math.floor(at / columns)] as number) * (data[at] as number) ** 2
    }
    return sum + own
  }, 0)
}
