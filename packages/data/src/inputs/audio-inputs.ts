import { TpError } from '@tp/core'
import type { ValueInfo } from '@tp/core/runtime'
import type { AudioDataset } from '../datasets/dataset.ts'
import { contentOf } from '../datasets/example-content.ts'
import { fixedSize, type ModelInputs, onlyInput } from './model-inputs.ts'

export interface AudioOptions {
  /** Samples a second that the model was trained on (default 16,000). */
  readonly sampleRate?: number | undefined
}

/**
 * Sound as [batch, samples] float32. Where the model has a fixed number of samples, shorter sounds are followed by
 * silence and longer ones are cut.
 */
export function audioInputs(
  dataset: AudioDataset,
  inputs: readonly ValueInfo[],
  options: AudioOptions = {},
): ModelInputs {
  const { sampleRate = 16_000 } = options
  const input = onlyInput(inputs, 'sounds')
  if (input.dims.length !== 2 || input.type !== 'float32') {
    throw new TpError(
      'TP_INPUT',
      'data',
      `input "${input.name}" is not float32 [batch, samples]; spectrograms are not made`,
    )
  }
  const fixed = fixedSize(input, 1)
  return {
    source: dataset.source,
    targets: dataset.examples.map(({ label }) => label),
    lengths: undefined,
    preparationMs: undefined,
    keys: dataset.examples.map(({ source }) => source),
    contents: () => Promise.all(dataset.examples.map(contentOf)),
    notes: [],
    async feeds(positions) {
      const batch = positions.map((position) => dataset.examples[position] as AudioDataset['examples'][number])
      const sounds = await Promise.all(
        batch.map(async ({ source, read }) => {
          const sound = await read()
          if (sound.sampleRate === sampleRate) return sound.samples
          const rates = `${sound.sampleRate} samples a second, but the model was trained on ${sampleRate}`
          throw new TpError('TP_DATA', 'data', `${source}: has ${rates}; resample it`)
        }),
      )
      const length = fixed ?? Math.max(...sounds.map((samples) => samples.length))
      const data = new Float32Array(sounds.length * length)
      for (const [b, samples] of sounds.entries()) data.set(samples.subarray(0, length), b * length)
      return { [input.name]: { type: 'float32', dims: [sounds.length, length], data } }
    },
  }
}
