import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { modelPath } from '@tp/models'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readModelFolder } from './model-folder.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tp-model-'))
})
afterEach(() => rm(folder, { recursive: true }))

const write = (name: string, value: unknown): Promise<void> => writeFile(join(folder, name), JSON.stringify(value))

describe('readModelFolder', () => {
  test('knows the embedded models', async () => {
    expect(await readModelFolder(modelPath('mail'))).toEqual({
      labels: ['ham', 'spam'],
      maxTokens: 512,
      vocabularySize: 8192,
      tokenizer: modelPath('mail', 'tokenizer'),
      normalisation: undefined,
      imageSize: undefined,
      sampleRate: undefined,
    })
    expect(await readModelFolder(modelPath('digits-vit'))).toMatchObject({ imageSize: 28, tokenizer: undefined })
  })

  test('looks above a folder called onnx, and knows that RoBERTa counts positions from after the padding', async () => {
    await mkdir(join(folder, 'onnx'))
    await write('config.json', { model_type: 'roberta', max_position_embeddings: 514, pad_token_id: 1 })
    await write('tokenizer.json', {})
    expect(await readModelFolder(join(folder, 'onnx', 'model.onnx'))).toMatchObject({
      maxTokens: 512,
      tokenizer: join(folder, 'tokenizer.json'),
    })
  })

  test('reads the preprocessor', async () => {
    await write('preprocessor_config.json', { image_mean: [0.5], image_std: [0.25], sampling_rate: 8000 })
    const path = join(folder, 'model.onnx')
    expect(await readModelFolder(path)).toMatchObject({ normalisation: { mean: [0.5], std: [0.25] }, sampleRate: 8000 })
    await write('preprocessor_config.json', { do_normalize: false, image_mean: [0.5], image_std: [0.25] })
    expect((await readModelFolder(path)).normalisation).toEqual({ mean: [0], std: [1] })
  })

  test('finds nothing for a model without other files', async () => {
    const known = Object.values(await readModelFolder(join(folder, 'model.onnx')))
    expect(known.every((value) => value === undefined)).toBe(true)
  })

  test('names a broken file', async () => {
    await writeFile(join(folder, 'config.json'), '{"id2label":')
    await expect(readModelFolder(join(folder, 'model.onnx'))).rejects.toMatchObject({
      code: 'TP_DATA',
      message: `[eval] ${join(folder, 'config.json')}: is invalid JSON`,
    })
  })
})
