import { expect, test } from 'vitest'
import { chooseModel, readAddress } from './model-address.ts'

test.each([
  ['Xenova/bert', { kind: 'hub', name: 'Xenova/bert' }],
  ['https://huggingface.co/Xenova/bert/tree/main', { kind: 'hub', name: 'Xenova/bert' }],
  [
    'https://huggingface.co/Xenova/bert/blob/main/onnx/model.onnx',
    { kind: 'file', url: 'https://huggingface.co/Xenova/bert/resolve/main/onnx/model.onnx' },
  ],
  ['https://example.org/a/model.onnx', { kind: 'file', url: 'https://example.org/a/model.onnx' }],
])('finds a model at %s', (text, address) => {
  expect(readAddress(text)).toEqual(address)
})

test.each(['bert', '', 'ftp://example.org/model.onnx', 'https://example.org/model', 'javascript:alert(1)', '../x/y'])(
  'refuses "%s"',
  (text) => {
    expect(() => readAddress(text)).toThrow('is neither the name of a model')
  },
)

test('prefers a small form of a model', () => {
  expect(chooseModel(['config.json', 'onnx/model.onnx', 'onnx/model_quantized.onnx'])).toBe('onnx/model_quantized.onnx')
  expect(chooseModel(['model.onnx'])).toBe('model.onnx')
  expect(chooseModel(['onnx/model_fp16.onnx'])).toBe('onnx/model_fp16.onnx')
  expect(chooseModel(['onnx/decoder.onnx', 'model.safetensors'])).toBeUndefined()
})
