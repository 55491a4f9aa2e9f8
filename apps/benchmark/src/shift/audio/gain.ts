import { checkAmount } from '../amount.ts'
import type { AudioShift } from '../shift.ts'
import { clipped } from './clipped.ts'

/**
 * Makes a sound louder or quieter; samples beyond full scale are clipped.
 * @param decibels above 0 is louder
 * @throws TpError TP_OPTION
 */
export function gain(decibels: number): AudioShift {
  checkAmount('gain', 'the gain in dB', decibels, -100, 100)
  const factor = Math.fround(10 ** (decibels / 20))
  return {
    modality: 'audio',
    name: `gain ${decibels} dB`,
    apply: (sound) => ({ ...sound, samples: sound.samples.map((x) => clipped(x * factor)) }),
  }
}
