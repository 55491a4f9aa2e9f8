import { checkAmount } from '../amount.ts'
import type { AudioShift } from '../shift.ts'

/**
 * Lets a sound begin earlier or later, as chance chooses. Its length does not change: one end is cut off, and silence added
 * in from the other side.
 * @param share of the sound's length, 0…1
 * @throws TpError TP_OPTION
 */
export function timeShift(share: number): AudioShift {
  checkAmount('time-shift', 'the share of the length', share, 0, 1)
  return {
    modality: 'audio',
    name: `time-shift ${share}`,
    apply(sound, random) {
      const { samples } = sound
      const moved = new Float32Array(samples.length)
      const by = Math.round(share * samples.length)
      if (random() < 0.5) moved.set(samples.subarray(by))
      else moved.set(samples.subarray(0, samples.length - by), by)
      return { ...sound, samples: moved }
    },
  }
}
