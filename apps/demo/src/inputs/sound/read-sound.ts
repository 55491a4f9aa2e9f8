import type { InputSound } from '../content.ts'

/**
 * A sound file in one channel, at the rate that a model takes; where the model takes less than the file holds, the
 * loudest part.
 * @param length samples that the model takes; undefined: any number
 * @throws DOMException if the browser cannot read the file
 */
export async function readSound(file: Blob, sampleRate: number, length: number | undefined): Promise<InputSound> {
  const context = new OfflineAudioContext(1, 1, sampleRate)
  const buffer = await context.decodeAudioData(await file.arrayBuffer())
  const samples = new Float32Array(buffer.length)
  for (let channel = 0; channel < buffer.numberOfChannels; channel++) {
    for (const [i, sample] of buffer.getChannelData(channel).entries()) {
      samples[i] = (samples[i] as number) + sample / buffer.numberOfChannels
    }
  }
  return { sampleRate, samples: length === undefined ? samples : loudest(samples, length) }
}

const STEP = 160

/** As many samples from where they have most energy; all, if there are no more. */
export function loudest(samples: Float32Array, length: number): Float32Array {
  let energy = 0
  for (const sample of samples.subarray(0, length)) energy += sample * sample
  let [best, most] = [0, energy]
  for (let start = STEP; start + length <= samples.length; start += STEP) {
    for (let i = start - STEP; i < start; i++) {
      energy += (samples[i + length] as number) ** 2 - (samples[i] as number) ** 2
    }
    if (energy > most) [best, most] = [start, energy]
  }
  return samples.slice(best, best + length)
}
