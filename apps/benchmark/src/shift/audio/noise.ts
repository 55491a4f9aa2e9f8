import { checkAmount } from '../amount.ts'
import { normal } from '../normal.ts'
import type { AudioShift } from '../shift.ts'
import { clipped } from './clipped.ts'

/**
 * Adds white noise at a signal-to-noise ratio: the mean square of the sound over that of the noise. Silence is not changed.
 * @param ratio in dB; Infinity adds no noise
 * @throws TpError TP_OPTION
 */
export function soundNoise(ratio: number): AudioShift {
  checkAmount('noise', 'the signal-to-noise ratio in dB', ratio, -100, Number.POSITIVE_INFINITY)
  return {
    modality: 'audio',
    name: `noise ${ratio} dB`,
    apply(sound, random) {
      const { samples } = sound
      const power = samples.reduce((sum, x) => sum + x * x, 0) / Math.max(1, samples.length)
      const deviation = Math.fround(Math.sqrt(power) * 10 ** (-ratio / 20))
      if (deviation === 0) return sound
      return { ...sound, samples: samples.map((x) => clipped(x + deviation * normal(random))) }
    },
  }
}
