import { TpError } from '@tp/core'
import type { NamedTensors, TensorLike, ValueInfo } from '@tp/core/runtime'
import { UNLABELED } from '../datasets/dataset.ts'
import { readPreprocessor } from '../inputs/model-folder.ts'
import type { ModelInputs } from '../inputs/model-inputs.ts'
import { someExamples } from '../inputs/some-examples.ts'
import type { SpeechClip, SpeechDataset } from './read-speech.ts'

/** Recordings in the form that a speech encoder takes, and their transcripts. */
export interface SpeechInputs extends ModelInputs {
  /** By example. */
  readonly texts: readonly string[]
  /** Their codes, by example; English where there is none. */
  readonly languages?: readonly (string | undefined)[]
  /** How long a recording is. */
  seconds(position: number): Promise<number>
}

/**
 * Recordings as mel frames float32 [b,F,T], made by transformers.js as preprocessor_config.json next to the model says.
 * @throws TpError TP_INPUT for a model that takes something else; TP_DATA for one without that file, and, when they are read, for
 * recordings of another rate, or longer than the model's window; TP_PEER where
 * @huggingface/transformers is not installed
 */
export async function speechInputs(
  dataset: SpeechDataset,
  modelPath: string,
  inputs: readonly ValueInfo[],
): Promise<SpeechInputs> {
  const [input, ...others] = inputs
  if (input === undefined || others.length > 0 || input.type !== 'float32' || input.dims.length !== 3) {
    const seen = inputs.map(({ name, type, dims }) => `${name} ${type}[${dims}]`).join(', ')
    throw new TpError('TP_INPUT', 'data', `the model takes ${seen}, and not mel frames, float32 [batch, mels, frames]`)
  }
  const { extract, sampleRate, window } = await openFeatureExtractor(modelPath)
  const { clips, source } = dataset
  const featuresOf = async (clip: SpeechClip): Promise<TensorLike> => {
    const sound = await clip.read()
    if (sound.sampleRate !== sampleRate) {
      const rates = `${sound.sampleRate} samples a second, but the model was trained on ${sampleRate}`
      throw new TpError('TP_DATA', 'data', `${clip.source}: has ${rates}; resample it`)
    }
    if (sound.samples.length > window) {
      const [long, most] = [sound.samples.length, window].map(
        (count) => `${Math.ceil((10 * count) / sampleRate) / 10} s`,
      )
      throw new TpError(
        'TP_DATA',
        'data',
        `${clip.source}: is ${long} long, and the model hears ${most}; cut it into shorter ones`,
      )
    }
    return extract(sound.samples)
  }
  return {
    source,
    texts: clips.map(({ text }) => text),
    languages: clips.map(({ language }) => language),
    async seconds(position) {
      const { samples, sampleRate: rate } = await (clips[position] as SpeechClip).read()
      return samples.length / rate
    },
    targets: clips.map(() => UNLABELED),
    lengths: undefined,
    preparationMs: undefined,
    keys: clips.map((clip) => clip.source),
    notes: [],
    async feeds(positions): Promise<NamedTensors> {
      const all = await Promise.all(positions.map((position) => featuresOf(clips[position] as SpeechClip)))
      const [first] = all as [TensorLike]
      const size = first.data.length
      const data = new Float32Array(size * all.length)
      for (const [b, features] of all.entries()) data.set(features.data as Float32Array, b * size)
      return { [input.name]: { type: 'float32', dims: [all.length, ...first.dims.slice(1)], data } }
    },
  }
}

/** Some of the recordings, by their positions, in that order. */
export function someRecordings(inputs: SpeechInputs, rows: readonly number[]): SpeechInputs {
  return {
    ...inputs,
    ...someExamples(inputs, rows),
    texts: rows.map((row) => inputs.texts[row] as string),
    languages: rows.map((row) => inputs.languages?.[row]),
    seconds: (position) => inputs.seconds(rows[position] as number),
  }
}

interface FeatureExtraction {
  readonly sampleRate: number
  /** The most samples that are heard. */
  readonly window: number
  /** Samples → float32 [1,F,T]. */
  extract(samples: Float32Array): Promise<TensorLike>
}

async function openFeatureExtractor(modelPath: string): Promise<FeatureExtraction> {
  const config = (await readPreprocessor(modelPath)) as {
    feature_extractor_type?: string
    sampling_rate?: number
    chunk_length?: number
    n_samples?: number
  }
  const { feature_extractor_type: type = 'none', sampling_rate: sampleRate = 16_000, chunk_length = 30 } = config
  if (type !== 'WhisperFeatureExtractor') {
    const seen = `preprocessor_config.json next to ${modelPath} names the feature extractor ${type}`
    throw new TpError('TP_DATA', 'data', `${seen}; recordings can be prepared by WhisperFeatureExtractor`)
  }
  const { WhisperFeatureExtractor } = await transformersJs()
  const extractor = new WhisperFeatureExtractor(config)
  return {
    sampleRate,
    window: config.n_samples ?? chunk_length * sampleRate,
    async extract(samples) {
      const { input_features: features } = await extractor._call(samples)
      return { type: 'float32', dims: features.dims, data: features.data as Float32Array }
    },
  }
}

async function transformersJs(): Promise<typeof import('@huggingface/transformers')> {
  try {
    return await import('@huggingface/transformers')
  } catch (cause) {
    const advice = 'install @huggingface/transformers next to @tp/data: it makes mel frames of recordings'
    throw new TpError('TP_PEER', 'data', advice, { cause })
  }
}
