import type { Fourier } from './fourier.ts'

/** How a sound becomes frames. */
export interface FrameShape {
  /** Samples of a frame, which is an even number. */
  readonly span: number
  /** Samples from one frame to the next. */
  readonly hop: number
  /** [span] */
  readonly window: ArrayLike<number>
  /** [bands][span/2 + 1] */
  readonly filters: readonly ArrayLike<number>[]
}

const FLOOR = 1e-10

/**
 * A function that computes the mel frames of Whisper: the power of each frame in bands, as a logarithm, at most 8 below the loudest.
 *
 *   frame t hears the samples around t·hop; before the first one they are mirrored, behind the last one there are zeros, and mirrored at `length`
 *   y = (max(log10(max(filters · |F(window · frame)|², 1e-10)), max y − 8) + 4) / 4                    float32 [bands, length/hop]
 *
 * Two frames are transformed at once, as the real and the imaginary part of one. Filters are triangles, so of each only what is not zero is summed; and frames that hear
 * zeros alone are not computed: they are at the floor.
 * @param transform of `span` numbers
 */
export function melFrames(
  transform: Fourier,
  { span, hop, window, filters }: FrameShape,
): (sound: Float32Array, length: number) => Float32Array {
  const triangles = filters.map((filter) => {
    const heard = Array.from(filter, (weight, bin) => (weight === 0 ? -1 : bin)).filter((bin) => bin >= 0)
    const [first, last] = [heard[0] ?? 0, heard.at(-1) ?? -1]
    return { first, weights: Float64Array.from({ length: last - first + 1 }, (_, i) => filter[first + i] as number) }
  })
  const [re, im] = [new Float64Array(span), new Float64Array(span)]
  const half = span / 2
  const powers = [new Float64Array(half + 1), new Float64Array(half + 1)] as const

  return (sound, length) => {
    const count = Math.floor(length / hop)
    const heard = Math.min(count, Math.ceil((sound.length + half) / hop))
    const around = mirrored(sound, length, half)
    const frames = new Float32Array(filters.length * count).fill(Math.log10(FLOOR))
    let loudest = Math.log10(FLOOR)
    for (let t = 0; t < heard; t += 2) {
      for (let i = 0; i < span; i++) {
        const weight = window[i] as number
        re[i] = weight * (around[t * hop + i] as number)
        im[i] = weight * (around[(t + 1) * hop + i] ?? 0)
      }
      transform(re, im)
      separate(re, im, powers)
      for (let k = 0; k < 2 && t + k < heard; k++) {
        for (const [band, { first, weights }] of triangles.entries()) {
          let sum = 0
          for (let i = 0; i < weights.length; i++) sum += (weights[i] as number) * (powers[k]?.[first + i] as number)
          const level = Math.log10(Math.max(sum, FLOOR))
          if (level > loudest) loudest = level
          frames[band * count + t + k] = level
        }
      }
    }
    return frames.map((level) => (Math.max(level, loudest - 8) + 4) / 4)
  }
}

/** The samples from `half` before the first one on, as far as a frame hears any. */
function mirrored(sound: Float32Array, length: number, half: number): Float64Array {
  const samples = new Float64Array(Math.min(length, sound.length + half) + 2 * half)
  samples.set(sound.subarray(0, length), half)
  for (let i = 1; i <= half; i++) {
    samples[half - i] = sound[i] ?? 0
    const mirror = length - 1 + i + half
    if (mirror < samples.length) samples[mirror] = sound[length - 1 - i] ?? 0
  }
  return samples
}

/** The powers of two real signals, of which one was transformed as the real part and one as the imaginary part. */
function separate(re: Float64Array, im: Float64Array, [a, b]: readonly [Float64Array, Float64Array]): void {
  const n = re.length
  for (let k = 0; k < a.length; k++) {
    const [x, y, u, v] = [re[k], im[k], re[(n - k) % n], im[(n - k) % n]] as [number, number, number, number]
    a[k] = ((x + u) ** 2 + (y - v) ** 2) / 4
    b[k] = ((x - u) ** 2 + (y + v) ** 2) / 4
  }
}
