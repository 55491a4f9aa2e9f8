import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { modelPath } from '@tp/models'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { modelFolderFiles, readModelFolder } from './model-folder.ts'

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
      normalization: undefined,
      framing: undefined,
      imageSize: undefined,
      sampleRate: undefined,
      pooling: undefined,
      prompts: undefined,
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

  test('looks above a current folder called onnx', async () => {
    await mkdir(join(folder, 'onnx'))
    await write('config.json', { max_position_embeddings: 77 })
    const before = process.cwd()
    process.chdir(join(folder, 'onnx'))
    try {
      expect((await readModelFolder('model.onnx')).maxTokens).toBe(77)
    } finally {
      process.chdir(before)
    }
  })

  test.each([
    [{}, {}, undefined],
    [{ max_seq_length: 256 }, { model_max_length: 128 }, 256],
    [{ max_seq_length: 1024 }, {}, 512],
    [{ max_seq_length: null }, { model_max_length: 128 }, 128],
    [{ max_seq_length: 'long' }, { model_max_length: 1e30 }, undefined],
  ])('texts are as long as Sentence Transformers takes them: %j, %j', async (sentence, tokenizer, length) => {
    await write('sentence_bert_config.json', sentence)
    await write('tokenizer_config.json', tokenizer)
    const path = join(folder, 'model.onnx')
    expect((await readModelFolder(path)).maxTokens).toBe(length === 512 ? 1024 : length)
    await write('config.json', { max_position_embeddings: 512 })
    expect((await readModelFolder(path)).maxTokens).toBe(length ?? 512)
  })

  test('other names of the same lengths are known', async () => {
    const path = join(folder, 'onnx', 'model.onnx')
    await mkdir(join(folder, 'onnx'))
    await write('config.json', { text_config: { max_position_embeddings: 77 } })
    expect((await readModelFolder(path)).maxTokens).toBe(77)
    await write('config.json', { n_positions: 8192 })
    await write('sentence_xlm-roberta_config.json', { max_seq_length: 300 })
    expect((await readModelFolder(path)).maxTokens).toBe(300)
    await write('modules.json', [{ type: 'sentence_transformers.models.Transformer', path: '0_Transformer' }])
    await mkdir(join(folder, '0_Transformer'))
    await write('0_Transformer/sentence_bert_config.json', { max_seq_length: 128 })
    expect((await readModelFolder(path)).maxTokens).toBe(128)
  })

  test('the files that it reads are those that exist', async () => {
    const path = join(folder, 'onnx', 'model.onnx')
    await mkdir(join(folder, 'onnx'))
    await mkdir(join(folder, '1_Pooling'))
    for (const name of ['config.json', 'sentence_bert_config.json', '1_Pooling/config.json']) await write(name, {})
    await writeFile(join(folder, 'modules.json'), 'broken')
    const names = ['config.json', 'modules.json', 'sentence_bert_config.json', join('1_Pooling', 'config.json')]
    expect([...(await modelFolderFiles(path))]).toEqual(names.map((name) => [name, join(folder, name)]))
  })

  test('reads the preprocessor', async () => {
    await write('preprocessor_config.json', { image_mean: [0.5], image_std: [0.25], sampling_rate: 8000 })
    const path = join(folder, 'model.onnx')
    expect(await readModelFolder(path)).toMatchObject({ normalization: { mean: [0.5], std: [0.25] }, sampleRate: 8000 })
    await write('preprocessor_config.json', { do_normalize: false, image_mean: [0.5], image_std: [0.25] })
    expect((await readModelFolder(path)).normalization).toEqual({ mean: [0, 0, 0], std: [1] })
  })

  test('reads the preprocessor where transformers 5 writes it', async () => {
    const path = join(folder, 'model.onnx')
    await write('processor_config.json', { feature_extractor: { sampling_rate: 8000 }, image_processor: { size: 32 } })
    expect(await readModelFolder(path)).toMatchObject({ sampleRate: 8000, framing: { resize: { height: 32 } } })
    await write('preprocessor_config.json', { sampling_rate: 16_000 })
    expect(await readModelFolder(path)).toMatchObject({ sampleRate: 16_000, framing: undefined })
  })

  test('names a broken file', async () => {
    await writeFile(join(folder, 'config.json'), '{"id2label":')
    await expect(readModelFolder(join(folder, 'model.onnx'))).rejects.toMatchObject({
      code: 'TP_DATA',
      message: `[data] ${join(folder, 'config.json')}: is invalid JSON`,
    })
  })
})
