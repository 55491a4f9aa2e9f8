import type { InputImage, InputSound } from '../../inputs/content.ts'

const WINDOW = 512
const BANDS = 48
const LOWEST_HZ = 80
/** Softer than this below the loudest is drawn black. */
const RANGE_DB = 60

/** Loudness by time (from left) and pitch (from below, by octaves), as an image; for looking at, not for a model. */
export function spectrogram({ samples, sampleRate }: InputSound, columns: number): InputImage {
  const decibels = new Float32Array(BANDS * columns)
  for (let column = 0; column < columns; column++) {
    const start = Math.round((column / columns) * samples.length)
    const window = samples.subarray(start, start + WINDOW)
    for (let band = 0; band < BANDS; band++) {
      const hertz = LOWEST_HZ * (sampleRate / 2 / LOWEST_HZ) ** ((band + 0.5) / BANDS)
      decibels[(BANDS - 1 - band) * columns + column] = 10 * Math.log10(power(window, hertz / sampleRate) + 1e-12)
    }
  }
  const loudest = decibels.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY)
  const pixels = decibels.map((value) => Math.max(0, 1 + (value - loudest) / RANGE_DB))
  return { channels: 1, height: BANDS, width: columns, pixels }
}

/** Power of a windowed signal at one frequency, in periods a sample. */
function power(window: Float32Array, frequency: number): number {
  let real = 0
  let imaginary = 0
  for (const [i, sample] of window.entries()) {
    const weighted = sample * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / WINDOW))
    real += weighted * Math.cos(2 * Math.PI * frequency * i)
    imaginary += weighted * Math.sin(2 * Math.PI * frequency * i)
  }
  return (real * real + imaginary * imaginary) / WINDOW
}
