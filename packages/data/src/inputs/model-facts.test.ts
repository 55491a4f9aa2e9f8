import { expect, test } from 'vitest'
import { classNames, modelFacts } from './model-facts.ts'
import { tokenRows } from './token-rows.ts'
import type { TextTokenizer } from './tokenizer.ts'

test('ignores entries of a configuration that have other types than they should', () => {
  const wrong = { id2label: { 0: 'no', 1: {} }, max_position_embeddings: 'many' }
  expect(modelFacts(wrong, {})).toMatchObject({ labels: ['no', 'LABEL_1'], maxTokens: undefined })
  expect(modelFacts({ id2label: 5 }, {}).labels).toBeUndefined()
  expect(modelFacts({ id2label: null }, {}).labels).toBeUndefined()
})

test('a model whose own length no memory holds is refused', () => {
  const ids = { name: 'input_ids', type: 'int64', dims: ['batch', 2 ** 40] }
  expect(() => tokenRows([ids], {} as TextTokenizer, {})).toThrow(expect.objectContaining({ code: 'TP_INPUT' }))
})

test.each([
  ['ViT', { size: { height: 224, width: 224 } }, { resize: { height: 224, width: 224 }, kernel: 'linear' }],
  ['an older ViT', { size: 384, resample: 3 }, { resize: { height: 384, width: 384 }, kernel: 'cubic' }],
  [
    'DINOv2',
    { do_center_crop: true, crop_size: { height: 224, width: 224 }, size: { shortest_edge: 256 }, resample: 3 },
    { resize: { shortestEdge: 256 }, crop: { height: 224, width: 224 }, kernel: 'cubic' },
  ],
  [
    'an older CLIP',
    { do_center_crop: true, crop_size: 224, size: 224, resample: 3 },
    { resize: { shortestEdge: 224 }, crop: { height: 224, width: 224 }, kernel: 'cubic' },
  ],
  [
    'an older DeiT',
    { feature_extractor_type: 'DeiTFeatureExtractor', do_center_crop: true, crop_size: 224, size: 256, resample: 3 },
    { resize: { height: 256, width: 256 }, crop: { height: 224, width: 224 }, kernel: 'cubic' },
  ],
  [
    'a model of centers',
    { do_resize: false, do_center_crop: true, crop_size: 224, size: 256 },
    { resize: undefined, crop: { height: 224, width: 224 }, kernel: 'linear' },
  ],
  ['a model that averages areas', { size: 8, resample: 4 }, { resize: { height: 8, width: 8 }, kernel: 'box' }],
  ['a model of images as they are', { do_resize: false, size: { height: 224, width: 224 } }, undefined],
  ['a size of no number', { size: { height: '224' } }, undefined],
])('frames images as %s is configured', (_, preprocessor, framing) => {
  expect(modelFacts({}, preprocessor).framing).toEqual(framing)
})

test.each([
  ['by mean and deviation', { image_mean: [0.5, 0.25], image_std: [0.5, 0.2] }, { mean: [0.5, 0.25], std: [0.5, 0.2] }],
  ['by those of all channels', { image_mean: 0.5, image_std: 0.25 }, { mean: [0.5], std: [0.25] }],
  ['by those of bytes', { do_rescale: false, image_mean: [51], image_std: [255] }, { mean: [0.2], std: [1] }],
  [
    'by those of brightness 0 to 2',
    { rescale_factor: 2 / 255, image_mean: [1, 1, 1], image_std: [1, 1, 1] },
    { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  ],
  ['not at all', { do_normalize: false, image_mean: [9, 9, 9] }, { mean: [0, 0, 0], std: [1] }],
  ['by nothing that is known', { image_mean: null, image_std: null }, undefined],
])('normalizes images %s', (_, preprocessor, normalization) => {
  const { mean, std } = modelFacts({}, preprocessor).normalization ?? {}
  const rounded = (values?: readonly number[]) => values?.map((value) => Number(value.toFixed(9)))
  expect(normalization === undefined ? mean : { mean: rounded(mean), std: rounded(std) }).toEqual(normalization)
})

test('an image that is not normalized has the channels of the configuration', () => {
  expect(modelFacts({ num_channels: 1 }, { do_normalize: false }).normalization).toEqual({ mean: [0], std: [1] })
})

test('one name is not a class, since one logit tells two apart', () => {
  expect(classNames(modelFacts({ id2label: { 0: 'toxic' } }, {}).labels)).toBeUndefined()
  expect(classNames(['no', 'yes'])).toEqual(['no', 'yes'])
})

test.each([
  [{ feature_extractor_type: 'Wav2Vec2FeatureExtractor', do_normalize: true }, true],
  [{ feature_extractor_type: 'Wav2Vec2FeatureExtractor', do_normalize: false }, false],
  [{ feature_extractor_type: 'Wav2Vec2FeatureExtractor' }, true],
  [{ feature_extractor_type: 'SpeechT5FeatureExtractor' }, undefined],
])('sounds are normalized as %j says', (preprocessor, normalizes) => {
  expect(modelFacts({}, preprocessor).normalizesSound).toBe(normalizes)
})
