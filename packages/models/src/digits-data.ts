import { readData } from './read-data.ts'

export interface Digit {
  /** 28 × 28 brightnesses 0…1, row by row, ink bright. Not yet normalized (see `DIGITS_NORMALISATION`). */
  readonly pixels: Float32Array
  /** The digit, 0…9. */
  readonly label: number
}

export type DigitsSplit = 'train' | 'calibration' | 'test'

const PIXELS = 28 * 28
/** By byte: three decimals, as the model has seen them in training. */
const brightnesses = Float32Array.from({ length: 256 }, (_, byte) => Number((byte / 255).toFixed(3)))

/**
 * One split of 10,000 handwritten digits (MIT; the first images of MNIST's training set): within each digit, image i is
 * calibration if i mod 20 = 0 and test if it is 1 or 2; the embedded model was trained on the others. Ordered by digit.
 */
export function digitsData(split: DigitsSplit): Digit[] {
  const bytes = readData(`digits-${split}.bin`)
  return Array.from({ length: bytes.length / (PIXELS + 1) }, (_, i) => {
    const [label = 0, ...pixels] = bytes.subarray(i * (PIXELS + 1), (i + 1) * (PIXELS + 1))
    return { pixels: Float32Array.from(pixels, (byte) => brightnesses[byte] as number), label }
  })
}
