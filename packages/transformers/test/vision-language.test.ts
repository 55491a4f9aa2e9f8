import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { AutoModelForImageTextToText, AutoProcessor, env, RawImage, type Tensor } from '@huggingface/transformers'
import { openModelFolder, visionLanguagePath } from 'pipeline-models'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { tpIn } from './command-line.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const models = await openModelFolder()
const tp = tpIn(models.path)

const image = new RawImage(
  Uint8ClampedArray.from({ length: 64 * 64 * 3 }, (_, i) => (i * 37 + (i >> 5) * 11) % 256),
  64,
  64,
  3,
)

beforeAll(() => {
  env.allowRemoteModels = false
  env.localModelPath = `${models.path}/`
  for (const name of ['smolvlm', 'llava'] as const)
    cpSync(visionLanguagePath(name), join(models.path, name), { recursive: true })
})
afterAll(() => models[Symbol.asyncDispose]())

/** The ids of a prompt with one image, and those that are generated. */
async function say(name: string): Promise<{ prompt: number[]; said: number[] }> {
  const processor = await AutoProcessor.from_pretrained(name)
  const text = '<s> w1 <image> w2 w3'
  const inputs = await (name.startsWith('llava') ? processor(image, text) : processor(text, [image]))
  const model = await AutoModelForImageTextToText.from_pretrained(name, { dtype: 'fp32' })
  const generated = (await model.generate({ ...inputs, max_new_tokens: 4, min_new_tokens: 4 })) as Tensor
  await model.dispose()
  const all = (generated.tolist() as bigint[][])[0]?.map(Number) as number[]
  const length = (inputs.input_ids as Tensor).dims[1] as number
  return { prompt: all.slice(0, length), said: all.slice(length) }
}

/** Id of `<image>`. */
const IMAGE = 5

test.each([
  // An image of 64 × 64 is split into four tiles, and a fifth is the whole.
  ['smolvlm', 5, 16],
  ['llava', 1, 64],
])('a folder of %s with half of its image tokens has a shorter prompt and generates', async (name, tiles, tokens) => {
  tp('prune', name, '-o', `${name}-half`, '--method', 'div-prune', '--keep', '0.5')
  const [dense, half] = [await say(name), await say(`${name}-half`)]
  const countImages = ({ prompt }: typeof dense): number => prompt.filter((id) => id === IMAGE).length
  expect(countImages(dense)).toBe(tiles * tokens)
  expect(countImages(half)).toBe((tiles * tokens) / 2)
  const rest = ({ prompt }: typeof dense): number[] => prompt.filter((id) => id !== IMAGE)
  expect(rest(half)).toEqual(rest(dense))
  expect([dense.said.length, half.said.length]).toEqual([4, 4])
})

test('a pruned folder has all other files as they were, and its plan makes it again', { tags: 'exhaustive' }, () => {
  tp('prune', 'smolvlm', '-o', 'smolvlm-random', '--method', 'random', '--tokens', '5')
  tp('prune', 'smolvlm', '-o', 'smolvlm-again', '--plan', 'smolvlm-random/tp-plan.json')
  const read = (name: string, file: string): Buffer => readFileSync(join(models.path, name, file))
  const file = 'onnx/vision_encoder.onnx'
  expect(read('smolvlm-again', file)).toEqual(read('smolvlm-random', file))
  expect(JSON.parse(read('smolvlm-again', 'processor_config.json').toString())).toMatchObject({ image_seq_len: 5 })
  const files = readdirSync(visionLanguagePath('smolvlm'), { recursive: true }) as string[]
  const others = files.filter(
    (name) => name.includes('.') && !['processor_config.json', 'config.json', file].includes(name),
  )
  expect(others).toContain('onnx/decoder_model_merged.onnx')
  for (const name of others) expect(read('smolvlm-random', name), name).toEqual(read('smolvlm', name))
})
