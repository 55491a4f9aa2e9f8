import { TpError } from '@tp/core'
import type { TensorLike, ValueInfo } from '@tp/core/runtime'
import type { AudioDataset } from '../datasets/dataset.ts'
import { contentOf } from '../datasets/example-content.ts'
import { arrayOf, fixedSize, isMaskOfSound, type ModelInputs, onlyInput } from './model-inputs.ts'

export interface AudioOptions {
  /** Samples a second that the model was trained on (default 16,000). */
  readonly sampleRate?: number | undefined
  /** Whether the samples of each sound are brought to a mean of 0 and a variance of 1, as `Wav2Vec2FeatureExtractor` does. */
  readonly normalizesSound?: boolean | undefined
}

const NOTE = 'without preprocessor_config.json sounds have 16,000 samples a second, −1…1, and are not normalized'

/**
 * Sound as [batch, samples] float32, and a mask of the samples where the model takes one. Where the model has a fixed number of samples,
 * shorter sounds are followed by silence and longer ones are cut. Padding does not count where sounds are normalized, so that an example
 * does not depend on its batch.
 */
export function audioInputs(
  dataset: AudioDataset,
  inputs: readonly ValueInfo[],
  options: AudioOptions = {},
): ModelInputs {
  const { sampleRate = 16_000, normalizesSound = false } = options
  const isKnown = options.sampleRate !== undefined || options.normalizesSound !== undefined
  const mask = inputs.find(isMaskOfSound)
  const input = onlyInput(
    inputs.filter((one) => one !== mask),
    'sounds',
  )
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
    notes: isKnown ? [] : [NOTE],
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
      const heard = sounds.map((samples) => samples.subarray(0, length))
      const data = new Float32Array(heard.length * length)
      for (const [b, samples] of heard.entries()) data.set(normalizesSound ? normalized(samples) : samples, b * length)
      const sound: TensorLike = { type: 'float32', dims: [heard.length, length], data }
      return { [input.name]: sound, ...(mask && { [mask.name]: marks(mask, heard, length) }) }
    },
  }
}

/** (x − mean) / √(variance + 1e-7) */
function normalized(samples: Float32Array): Float32Array {
  const mean = samples.reduce((sum, x) => sum + x, 0) / samples.length
  const variance = samples.reduce((sum, x) => sum + (x - mean) ** 2, 0) / samples.length
  return samples.map((x) => (x - mean) / Math.sqrt(variance + 1e-7))
}

/** 1 at each sample of a sound, 0 at what pads it: [batch, length]. */
function marks(mask: ValueInfo, sounds: readonly Float32Array[], length: number): TensorLike {
  const data = arrayOf(mask, sounds.length * length) as BigInt64Array
  const one = (data instanceof BigInt64Array ? 1n : 1) as bigint
  for (const [b, { length: own }] of sounds.entries()) data.fill(one, b * length, b * length + own)
  return { type: mask.type, dims: [sounds.length, length], data }
}
