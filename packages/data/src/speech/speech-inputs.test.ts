import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import wavefile from 'wavefile'
import { readSpeech } from './read-speech.ts'
import { speechInputs } from './speech-inputs.ts'

let folder: string
const model = (): string => join(folder, 'onnx', 'encoder_model.onnx')
const taken = [{ name: 'input_features', type: 'float32', dims: ['batch', 8, 100] }] as const
const preprocessor = {
  feature_extractor_type: 'WhisperFeatureExtractor',
  ...{
    feature_size: 8,
    sampling_rate: 16_000,
    hop_length: 160,
    n_fft: 400,
    chunk_length: 1,
    n_samples: 16_000,
    nb_max_frames: 100,
  },
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tp-speech-'))
  await mkdir(join(folder, 'onnx'))
  await writeFile(join(folder, 'preprocessor_config.json'), JSON.stringify(preprocessor))
  const sound = (count: number): number[] =>
    Array.from({ length: count }, (_, i) => 8000 * Math.sin(i / 5) + ((i * 7919) % 997))
  for (const [name, rate, count] of [
    ['short', 16_000, 4000],
    ['long', 16_000, 16_000],
    ['other', 8000, 4000],
    ['longer', 16_000, 17_600],
  ] as const) {
    const file = new wavefile.WaveFile()
    file.fromScratch(1, rate, '16', sound(count))
    await writeFile(join(folder, `${name}.wav`), file.toBuffer())
  }
})

afterAll(() => rm(folder, { recursive: true }))

test('recordings become mel frames, with silence at the floor after a short one', async () => {
  await writeFile(join(folder, 'transcripts.tsv'), 'short.wav\tOne two.\n\nlong.wav\tThree\n')
  const inputs = await speechInputs(await readSpeech(folder), model(), taken)
  expect(inputs.texts).toEqual(['One two.', 'Three'])
  expect(await inputs.seconds(0)).toBe(0.25)
  const { input_features: features } = await inputs.feeds([0, 1])
  expect(features?.dims).toEqual([2, 8, 100])
  const data = features?.data as Float32Array
  // 25 frames of sound; a window of 400 samples around the end reaches two further
  const last = (example: number): number => {
    const own = data.subarray(example * 800, (example + 1) * 800)
    const floor = own.reduce((a, b) => Math.min(a, b))
    return Array.from({ length: 100 }, (_, frame) => frame).findLastIndex((frame) =>
      Array.from({ length: 8 }, (_, mel) => own[mel * 100 + frame]).some((value) => value !== floor),
    )
  }
  expect(last(0)).toBeGreaterThanOrEqual(24)
  expect(last(0)).toBeLessThanOrEqual(26)
  expect(last(1)).toBe(99)
  expect(await readSpeech(join(folder, 'transcripts.tsv'), { limit: 1 })).toMatchObject({
    clips: [{ text: 'One two.' }],
  })
})

test.each([
  ['short.wav One two', /line 1: is not the path of a WAV file, a tab/],
  ['short.wav\tone\tde\tfour', /line 1: is not the path/],
  ['short.wav\tone\tgerman', /line 1: has the language "german"; give its code/],
  ['short.wav\t...', /line 1: has no words in its transcript, "\.\.\."/],
  ['\n', /holds no recordings/],
])('a table that holds none is refused: %j', async (text, message) => {
  await writeFile(join(folder, 'wrong.tsv'), text)
  await expect(readSpeech(join(folder, 'wrong.tsv'))).rejects.toThrow(message)
})

test('a recording that is longer than the window is refused, and not cut', async () => {
  await writeFile(join(folder, 'longer.tsv'), 'longer.wav\tone')
  const inputs = await speechInputs(await readSpeech(join(folder, 'longer.tsv')), model(), taken)
  await expect(inputs.feeds([0])).rejects.toThrow(/longer\.wav: is 1\.1 s long, and the model hears 1 s/)
})

test('says which recording has another rate, and which model takes no frames', async () => {
  await writeFile(join(folder, 'rate.tsv'), 'other.wav\tone')
  const dataset = await readSpeech(join(folder, 'rate.tsv'))
  await expect((await speechInputs(dataset, model(), taken)).feeds([0])).rejects.toThrow(
    /other\.wav: has 8000 samples a second/,
  )
  const samples = [{ name: 'input_values', type: 'float32', dims: ['batch', 'samples'] }] as const
  await expect(speechInputs(dataset, model(), samples)).rejects.toThrow(/takes input_values .* not mel frames/)
  await expect(speechInputs(dataset, join(folder, '..', 'encoder.onnx'), taken)).rejects.toThrow(
    /feature extractor none/,
  )
})
