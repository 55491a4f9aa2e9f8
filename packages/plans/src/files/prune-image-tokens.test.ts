import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Plan, readImageTokens } from '@tp/compiler'
import { input, mul, stride } from '@tp/core'
import { type ModelFile, readModel } from '@tp/data'
import { emitModel } from '@tp/onnx'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type PrunedImageTokens, pruneImageTokensFile } from './prune-image-tokens.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tp-image-tokens-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** A vision encoder that gives twice its input, and a processor without placeholders or with four. */
async function encoderOf(tokens: number | string, processor: object): Promise<ModelFile> {
  const path = join(folder, 'vision_encoder.onnx')
  await writeFile(path, emitModel({ image_features: mul(input('pixel_values', 'float32', ['b', tokens, 8]), 2) }))
  await writeFile(join(folder, 'preprocessor_config.json'), JSON.stringify(processor))
  return await readModel(path)
}

const florence = { processor_class: 'Florence2Processor' }
const paligemma = { processor_class: 'PaliGemmaProcessor', image_seq_length: 4 }

async function prune(file: ModelFile, plan: Partial<Plan>): Promise<PrunedImageTokens> {
  const places = { folder, out: join(folder, 'out.onnx'), outFolder: folder, signal: new AbortController().signal }
  return await pruneImageTokensFile(file, {
    plan: { format: 1, method: 'stride', ...plan },
    method: stride(),
    ...places,
  })
}

test.each([
  ['the file', 4, florence, {}],
  ['the processor', 'n', paligemma, { 'preprocessor_config.json': { ...paligemma, image_seq_length: 2 } }],
])('takes the number of image tokens from %s, and writes what it is now', async (_, tokens, config, processor) => {
  const facts = await prune(await encoderOf(tokens, config), { keep: 0.5 })
  expect(facts).toEqual({ method: 'stride', tokens: 2, of: 4, output: 'image_features', processor })
  const { model } = await readModel(join(folder, 'out.onnx'))
  expect(readImageTokens(model)).toMatchObject({ tokens: 2, of: 4 })
  for (const [name, json] of Object.entries(processor))
    expect(JSON.parse(await readFile(join(folder, name), 'utf8'))).toEqual(json)
})

test.each([
  ['TP_IMAGE_TOKENS', 'how many tokens', 'n', florence, { keep: 0.5 }],
  ['TP_OPTION', 'the file gives 3', 3, paligemma, { keep: 0.5 }],
  ['TP_SCHEDULE', 'fixed number', 4, florence, { threshold: 0.5 }],
  ['TP_SCHEDULE', 'by one number', 4, florence, { keep: [0.5, 0.5] }],
  ['TP_PLAN', 'layers is about layers', 4, florence, { keep: 0.5, layers: [1] }],
])('refuses with %s: %s', async (code, message, tokens, config, plan) => {
  const refused = { code, message: expect.stringContaining(message) }
  await expect(prune(await encoderOf(tokens, config), plan)).rejects.toMatchObject(refused)
})
