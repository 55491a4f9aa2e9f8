import { env, pipeline, WhisperFeatureExtractor } from '@huggingface/transformers'
import { randomNumbers } from '@tp/core/statistics'
import { quickFrames } from '@tp/transformers'
import { addSpeech, openModelFolder, spoken } from 'pipeline-models'
import { expect, test } from 'vitest'

const RATE = 16_000
const whisper = {
  ...{ feature_size: 80, sampling_rate: RATE, hop_length: 160, chunk_length: 30 },
  ...{ n_fft: 400, n_samples: 30 * RATE, nb_max_frames: 3000 },
}

/** The frames of transformers.js, and ours. */
async function framesOf(samples: Float32Array, config: object = whisper): Promise<[Float32Array, Float32Array]> {
  const extractor = new WhisperFeatureExtractor({ ...config })
  const { input_features: before } = await extractor(samples)
  quickFrames({ processor: { feature_extractor: extractor } })
  const { input_features: after } = await extractor(samples)
  expect(after.dims).toEqual(before.dims)
  return [before.data as Float32Array, after.data as Float32Array]
}

function furthest([some, others]: readonly [Float32Array, Float32Array]): number {
  return some.reduce((most, value, i) => Math.max(most, Math.abs(value - (others[i] as number))), 0)
}

function noise(seconds: number): Float32Array {
  const uniform = randomNumbers(1)
  return Float32Array.from({ length: Math.round(seconds * RATE) }, () => uniform() - 0.5)
}

test.each([0.001, 0.01, 0.3, 5, 29.98, 29.995, 30])('frames of %d s are those of transformers.js', async (seconds) => {
  expect(furthest(await framesOf(noise(seconds)))).toBeLessThan(1e-6)
})

test('a sound of zeros, and a tone that is loud in few bands, have the same frames', async () => {
  expect(furthest(await framesOf(new Float32Array(RATE)))).toBe(0)
  const tone = Float32Array.from({ length: RATE }, (_, i) => Math.sin((2 * Math.PI * 440 * i) / RATE))
  expect(furthest(await framesOf(tone))).toBeLessThan(1e-6)
})

test('128 bands, and other lengths of frames and windows, are computed as well', async () => {
  expect(furthest(await framesOf(noise(0.5), { ...whisper, feature_size: 128 }))).toBeLessThan(1e-6)
  const small = { ...whisper, n_fft: 320, hop_length: 100, n_samples: 3 * RATE, nb_max_frames: 480 }
  expect(furthest(await framesOf(noise(0.5), small))).toBeLessThan(1e-6)
})

test('a pipeline writes the same, with time stamps too, until it is restored', async () => {
  await using models = await openModelFolder()
  await addSpeech(models)
  Object.assign(env, { allowRemoteModels: false, localModelPath: `${models.path}/` })
  const transcribe = await pipeline('automatic-speech-recognition', 'speech', { dtype: 'fp32' })
  const hear = async (): Promise<unknown> => [
    await transcribe(spoken(0.3), { language: 'en' }),
    await transcribe(spoken(0.3), { language: 'en', return_timestamps: true }),
  ]
  const before = await hear()
  const { feature_extractor: extractor } = transcribe.processor as unknown as { feature_extractor: { _call: unknown } }
  const { _call: original } = extractor
  const restore = quickFrames(transcribe)
  expect(await hear()).toEqual(before)
  expect(extractor._call).not.toBe(original)
  restore()
  expect(extractor._call).toBe(original)
})

test('a pipeline without frames, or with frames of another length, is refused', () => {
  const feature_extractor = new WhisperFeatureExtractor({ ...whisper, n_fft: 420 })
  expect(() => quickFrames({ processor: { feature_extractor } })).toThrow('frames of 420 samples')
  expect(() => quickFrames({ processor: {} })).toThrow(expect.objectContaining({ code: 'TP_MODEL' }))
})
