import { describe, expect, test } from 'vitest'
import type { AudioDataset } from '../datasets/dataset.ts'
import { audioInputs } from './audio-inputs.ts'

const sound = (source: string, samples: readonly number[], sampleRate = 16_000) => ({
  label: 1,
  source,
  read: () => ({ sampleRate, samples: Float32Array.from(samples) }),
})
const sounds: AudioDataset = {
  modality: 'audio',
  source: 'sounds',
  examples: [sound('short', [0.5]), sound('long', [1, -1, 0.25, 1]), sound('slow', [0], 8000)],
}

describe('audioInputs', () => {
  test('pads with silence and cuts to the fixed length', async () => {
    const { feeds } = audioInputs(sounds, [{ name: 'audio', type: 'float32', dims: ['batch', 3] }])
    expect(await feeds([0, 1])).toEqual({
      audio: { type: 'float32', dims: [2, 3], data: Float32Array.of(0.5, 0, 0, 1, -1, 0.25) },
    })
  })

  test('notes what is assumed where nothing is known of the model', () => {
    const inputs = [{ name: 'audio', type: 'float32', dims: ['batch', 3] }] as const
    expect(audioInputs(sounds, inputs).notes).toEqual([expect.stringMatching('without preprocessor_config.json')])
    expect(audioInputs(sounds, inputs, { sampleRate: 8000 }).notes).toEqual([])
  })

  test('names a different sample rate', async () => {
    const { feeds } = audioInputs(sounds, [{ name: 'audio', type: 'float32', dims: ['batch', 3] }])
    await expect(feeds([2])).rejects.toMatchObject({
      code: 'TP_DATA',
      message: expect.stringContaining('slow: has 8000 samples a second, but the model was trained on 16000; resample'),
    })
  })

  test('normalizes the samples of each sound, of those that a fixed length leaves, and not their padding', async () => {
    const inputs = [{ name: 'audio', type: 'float32', dims: ['batch', 3] }] as const
    const ramp: AudioDataset = { ...sounds, examples: [sound('ramp', [1, 2, 3, 9]), sound('pair', [5, 7])] }
    const { audio } = await audioInputs(ramp, inputs, { normalizesSound: true }).feeds([0, 1])
    const step = Math.sqrt(3 / 2)
    const expected = [-step, 0, step, -1, 1, 0]
    for (const [i, value] of expected.entries()) expect(audio?.data[i]).toBeCloseTo(value, 5)
  })

  test('marks the samples of each sound where the model takes a mask', async () => {
    const inputs = [
      { name: 'input_values', type: 'float32', dims: ['batch', 'samples'] },
      { name: 'attention_mask', type: 'int64', dims: ['batch', 'samples'] },
    ] as const
    expect((await audioInputs(sounds, inputs).feeds([0, 1])).attention_mask).toEqual({
      type: 'int64',
      dims: [2, 4],
      data: BigInt64Array.of(1n, 0n, 0n, 0n, 1n, 1n, 1n, 1n),
    })
  })

  test('refuses a model of spectrograms', () => {
    const spectrogram = [{ name: 'input_values', type: 'float32', dims: ['b', 1024, 128] }]
    expect(() => audioInputs(sounds, spectrogram)).toThrow('spectrograms are not made')
  })
})
