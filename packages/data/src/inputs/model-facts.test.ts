import { expect, test } from 'vitest'
import { modelFacts } from './model-facts.ts'
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
    {
      do_center_crop: true,
      crop_size: { height: 224, width: 224 },
      size: { shortest_edge: 256 },
      resample: 3,
    },
    { resize: { shortestEdge: 256 }, crop: { height: 224, width: 224 }, kernel: 'cubic' },
  ],
  [
    'an older CLIP',
    { do_center_crop: true, crop_size: 224, size: 224, resample: 3 },
    { resize: { shortestEdge: 224 }, crop: { height: 224, width: 224 }, kernel: 'cubic' },
  ],
  ['a model of images as they are', { do_resize: false, size: { height: 224, width: 224 } }, undefined],
  ['a size of no number', { size: { height: '224' } }, undefined],
])('frames images as %s is configured', (_, preprocessor, framing) => {
  expect(modelFacts({}, preprocessor).framing).toEqual(framing)
})
