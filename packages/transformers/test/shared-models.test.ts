import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { env, pipeline, RawImage } from '@huggingface/transformers'
import type { Plan } from '@tp/compiler'
import { readWav } from '@tp/data'
import { decodeModel, encodeModel } from '@tp/onnx'
import { type ModelReport, pruneModels } from '@tp/transformers'
import { fixturesFolder, sharedFolder } from 'exported-encoders'
import { addBert, type BertFiles, openModelFolder } from 'pipeline-models'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { addLetters } from './models.ts'
import { half, methods } from './plans.ts'
import { expectPruned, sideBySide } from './side-by-side.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const models = await openModelFolder()
const folder = models.path
const fixture = (name: string): string => join(fixturesFolder, name, 'model.onnx')

beforeAll(() => {
  env.allowRemoteModels = false
  env.localModelPath = `${folder}/`
})
afterAll(() => models[Symbol.asyncDispose]())

const waves = {
  feature_extractor_type: 'Wav2Vec2FeatureExtractor',
  do_normalize: false,
  feature_size: 1,
  sampling_rate: 16_000,
}

/** A test of a trained model, which is not part of the repository. */
const trainedTest = (
  existsSync(sharedFolder)
    ? test
    : (name: string) => test.skip(`${name} (left out: the shared folder is not here)`, () => {})
) as typeof test

trainedTest('prunes text-classification: minilm-sentiment', { tags: 'exhaustive' }, async () => {
  const file = (name: string): string => join(sharedFolder, 'models/minilm-sentiment', name)
  const [config, tokenizer, model, int8] = ['config.json', 'tokenizer.json', 'model.onnx', 'model.int8.onnx'].map(file)
  await addBert(models, 'minilm', { config, tokenizer, model, int8 } as BertFiles)
  const plan = { ...half, keep: 0.8 }
  const outputs = await sideBySide({ folder, name: 'minilm', plan }, async (name) => {
    const classify = await pipeline('text-classification', name)
    return classify(['A wonderful film, warm and funny from start to end.', 'Two hours that I will not get back.'])
  })
  expectPruned(outputs, [1, 2])
  expect(outputs.pruned).toMatchObject([{ label: 'positive' }, { label: 'negative' }])
})

test('prunes token-classification with a label for every token', async () => {
  const config = { model_type: 'bert', architectures: ['BertForTokenClassification'] }
  await addLetters(models, 'labels', config, { 'onnx/model.onnx': fixture('bert-tok-eager-ts14') })
  const outputs = await sideBySide({ folder, name: 'labels' }, async (name) => {
    const label = await pipeline('token-classification', name)
    return label('a cat sat on the mat.', { ignore_labels: [] })
  })
  expectPruned(outputs, [1, 2])
  const words = (labeled: typeof outputs.dense): unknown[] => labeled.map(({ word }) => word)
  expect(words(outputs.pruned)).toEqual(words(outputs.dense))
})

test.each(['none', 'mean', 'cls'] as const)('prunes feature-extraction with pooling %s', async (pooling) => {
  const name = `features-${pooling}`
  const config = { model_type: 'bert', architectures: ['BertModel'] }
  await addLetters(models, name, config, { 'onnx/model.onnx': fixture('bert-lasthidden-optimum') })
  const outputs = await sideBySide({ folder, name }, async (name) => {
    const embed = await pipeline('feature-extraction', name)
    const { dims, data } = await embed(['a cat.', 'the other cat sat on the mat.'], { pooling, normalize: true })
    return { dims: dims.join(), data: [...data] }
  })
  expectPruned(outputs, [1, 2])
  expect(outputs.pruned.dims).toBe(outputs.dense.dims)
})

test('takes the mean of feature-extraction over the kept tokens, and refuses rows for these alone', async () => {
  const config = { model_type: 'bert', architectures: ['BertModel'] }
  await addLetters(models, 'states', config, { 'onnx/model.onnx': fixture('bert-lasthidden-optimum') })
  const reports: ModelReport[] = []
  const extract = async (plan: Plan, pooling: 'mean' | 'none'): Promise<number[][]> => {
    const pruning = pruneModels({ methods, plans: { states: plan }, onModel: (report) => reports.push(report) })
    const embed = await pipeline('feature-extraction', 'states')
    const { dims, data } = await embed('the other cat sat on the mat.', { pooling })
    pruning.dispose()
    const width = dims.at(-1) as number
    return Array.from({ length: data.length / width }, (_, i) => Array.from(data.slice(i * width, (i + 1) * width)))
  }
  const [pooled] = (await extract(half, 'mean')) as [number[]]
  const states = await extract(half, 'none')
  const isMean = (state: number[]): boolean => state.every((x, i) => Math.abs(x - (pooled[i] as number)) < 1e-4)
  const kept = states.filter((state) => !isMean(state))
  // Half of half of them.
  expect(kept.length).toBe(Math.ceil(states.length / 4))
  for (const [i, value] of pooled.entries()) {
    expect(kept.reduce((sum, state) => sum + (state[i] as number), 0) / kept.length).toBeCloseTo(value, 4)
  }
  await extract({ ...half, restore: 'none' }, 'mean')
  expect(reports.map(({ outcome }) => outcome)).toEqual(['pruned', 'pruned', 'refused'])
  expect(reports.at(-1)).toMatchObject({ code: 'TP_RESTORE' })
})

test('prunes audio-classification: wav2vec2', async () => {
  await models.add('waves', {
    'config.json': { model_type: 'wav2vec2', architectures: ['Wav2Vec2ForSequenceClassification'] },
    'preprocessor_config.json': waves,
    'onnx/model.onnx': fixture('wav2vec2-cls-ts17'),
  })
  const tone = Float32Array.from({ length: 4000 }, (_, i) => Math.sin(i / 6))
  const outputs = await sideBySide({ folder, name: 'waves' }, async (name) => {
    const classify = await pipeline('audio-classification', name)
    return classify(tone, { top_k: 5 })
  })
  expectPruned(outputs, [1, 2])
})

trainedTest('prunes audio-classification: kwt1, with its input named as transformers.js expects', async () => {
  const labels = '_silence_ _unknown_ yes no up down left right on off stop go'.split(' ')
  await models.add('kwt1', {
    'config.json': {
      model_type: 'wav2vec2',
      architectures: ['Wav2Vec2ForSequenceClassification'],
      id2label: Object.fromEntries(labels.map((label, i) => [i, label])),
    },
    'preprocessor_config.json': waves,
    'onnx/model.onnx': renamed(readFileSync(join(sharedFolder, 'models/kwt1/model.onnx')), 'audio', 'input_values'),
  })
  const spoken = await Promise.all(
    ['yes', 'left'].map((word) => readWav(join(sharedFolder, `data/keywords/${word}__flite_slt.wav`))),
  )
  const plan = { ...half, layers: [6], keep: 0.7 }
  const outputs = await sideBySide({ folder, name: 'kwt1', plan }, async (name) => {
    const classify = await pipeline('audio-classification', name)
    return Promise.all(spoken.map(({ samples }) => classify(samples, { top_k: 1 })))
  })
  expectPruned(outputs, [6])
  expect(outputs.pruned).toMatchObject([[{ label: 'yes' }], [{ label: 'left' }]])
})

test.each([
  ['resnet-cls-ts17', 'resnet', 'ResNet', 'TP_NO_ATTENTION'],
  ['convnext-cls-optimum', 'convnext', 'ConvNext', 'TP_NO_ATTENTION'],
  ['swin-cls-ts17', 'swin', 'Swin', 'TP_WINDOW_ATTENTION'],
])('runs %s unchanged', async (name, type, classes, code) => {
  await models.add(name, {
    'config.json': { model_type: type, architectures: [`${classes}ForImageClassification`] },
    'preprocessor_config.json': {
      image_processor_type: 'ViTImageProcessor',
      size: 32,
      image_mean: 0.5,
      image_std: 0.5,
    },
    'onnx/model.onnx': fixture(name),
  })
  const image = new RawImage(
    Uint8ClampedArray.from({ length: 3 * 32 * 32 }, (_, i) => i % 251),
    32,
    32,
    3,
  )
  const run = async (): Promise<unknown> => (await pipeline('image-classification', name))(image, { top_k: 5 })
  const dense = await run()
  const reports: ModelReport[] = []
  const pruning = pruneModels({ methods, defaultPlan: half, onModel: (report) => reports.push(report) })
  expect(await run()).toEqual(dense)
  pruning.dispose()
  expect(reports).toMatchObject([{ outcome: 'refused', code }])
})

function renamed(bytes: Uint8Array, from: string, to: string): Uint8Array {
  const model = decodeModel(bytes)
  for (const { input } of model.proto.graph?.node ?? []) {
    for (const [i, name] of input.entries()) if (name === from) input[i] = to
  }
  for (const input of model.proto.graph?.input ?? []) if (input.name === from) input.name = to
  return encodeModel(model)
}
