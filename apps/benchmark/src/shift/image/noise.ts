import { checkAmount } from '../amount.ts'
import { normal } from '../normal.ts'
import type { ImageShift } from '../shift.ts'

/**
 * Adds Gaussian noise to each pixel and channel, and cuts at black and white.
 * @param deviation standard deviation, of brightness 0…1
 * @throws TpError TP_OPTION
 */
export function imageNoise(deviation: number): ImageShift {
  checkAmount('noise', 'the standard deviation', deviation, 0, 10)
  return {
    modality: 'image',
    name: `noise ${deviation}`,
    apply: (image, random) => ({
      ...image,
      pixels: image.pixels.map((x) => Math.min(1, Math.max(0, x + deviation * normal(random)))),
    }),
  }
}
