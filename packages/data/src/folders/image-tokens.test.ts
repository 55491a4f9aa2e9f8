import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { readFolderGraphs } from './graphs.ts'
import { isVisionLanguage, readImagePrompt, visionEncoderOf } from './image-tokens.ts'

const folders: string[] = []
afterEach(() => Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true }))))

async function folderWith(files: Readonly<Record<string, object | string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tp-image-tokens-'))
  folders.push(folder)
  for (const [file, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, file)), { recursive: true })
    await writeFile(join(folder, file), typeof content === 'string' ? content : JSON.stringify(content))
  }
  return folder
}

const [own, preprocessor] = ['processor_config.json', 'preprocessor_config.json']

test.each([
  ['SmolVLMProcessor', own, { image_seq_len: 64 }, 64, { image_seq_len: 16 }],
  ['Idefics3Processor', own, { image_seq_len: 169 }, 169, { image_seq_len: 16 }],
  ['Gemma3Processor', own, { image_seq_length: 256 }, 256, { image_seq_length: 16 }],
  ['PaliGemmaProcessor', preprocessor, { image_seq_length: 1024 }, 1024, { image_seq_length: 16 }],
  ['Florence2Processor', preprocessor, { image_seq_length: 577 }, 577, { image_seq_length: 16 }],
  // Added to the number of patches, which the processor computes from the size of its images.
  ['LlavaProcessor', own, { num_additional_image_tokens: 1 }, undefined, { num_additional_image_tokens: -559 }],
  ['LlavaProcessor', own, {}, undefined, { num_additional_image_tokens: -560 }],
])('tells a %s in %s how many image tokens there are: %j', async (processor, file, said, tokens, changed) => {
  const rest = { processor_class: processor, kept: [1, 2] }
  const folder = await folderWith({ [own]: { processor_class: processor }, [file]: { ...rest, ...said } })
  const prompt = await readImagePrompt(folder)
  expect(prompt.tokens).toBe(tokens)
  expect(prompt.changed(16, tokens ?? 576)).toEqual({ [file]: { ...rest, ...changed } })
})

test('changes nothing of a Florence-2 that has no such number, as its prompt has no placeholders', async () => {
  const folder = await folderWith({ [preprocessor]: { processor_class: 'Florence2Processor' } })
  const prompt = await readImagePrompt(folder)
  expect([prompt.tokens, prompt.changed(16, 577)]).toEqual([undefined, {}])
})

test.each([
  ['Qwen2VLProcessor', {}, 'rows and columns'],
  ['Phi3VProcessor', {}, 'crops'],
  ['OtherProcessor', {}, 'SmolVLMProcessor'],
  ['SmolVLMProcessor', {}, 'image_seq_len nowhere'],
  ['SmolVLMProcessor', { image_seq_len: '64' }, 'image_seq_len "64"'],
])('refuses the image tokens of a %s with %j, and says why: %s', async (processor, config, reason) => {
  const folder = await folderWith({ [own]: { processor_class: processor, ...config } })
  const refused = { code: 'TP_IMAGE_TOKENS', message: expect.stringContaining(reason) }
  await expect(readImagePrompt(folder)).rejects.toMatchObject(refused)
})

test('refuses a folder without a processor, and files that are not JSON', async () => {
  await expect(readImagePrompt(await folderWith({}))).rejects.toMatchObject({ code: 'TP_IMAGE_TOKENS' })
  await expect(readImagePrompt(await folderWith({ [own]: '[' }))).rejects.toMatchObject({ code: 'TP_DATA' })
})

test('finds the vision encoder of a vision-language model, in float32 if there is one', async () => {
  const files = ['decoder_model_merged_q4', 'embed_tokens_fp16', 'vision_encoder_fp16', 'vision_encoder']
  const folder = await folderWith(Object.fromEntries(files.map((name) => [`onnx/${name}.onnx`, ''])))
  const encoder = join(folder, 'onnx/vision_encoder.onnx')
  expect(await visionEncoderOf(folder)).toBe(encoder)
  expect(await visionEncoderOf(encoder)).toBe(encoder)
  expect(await visionEncoderOf(join(folder, 'onnx/decoder_model_merged_q4.onnx'))).toBeUndefined()
  const graphs = await readFolderGraphs(encoder)
  expect(isVisionLanguage(graphs)).toBe(true)
  expect(graphs.variants.map(({ dtype }) => dtype)).toEqual(['fp16'])
})

test('finds none in other folders', async () => {
  const alone = await folderWith({ 'vision_encoder.onnx': '' })
  expect(await visionEncoderOf(alone)).toBeUndefined()
  expect(await visionEncoderOf(await folderWith({ 'model.onnx': '' }))).toBeUndefined()
  expect(await visionEncoderOf(join(alone, 'none.onnx'))).toBeUndefined()
})
