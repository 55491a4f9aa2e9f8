import { expect, test } from 'vitest'
import { isRightReason } from './reasons.ts'

test('requires a refusal to name the kind of model, and accepts any text after the colon', () => {
  const expected = 'window attention: tokens attend inside fixed windows'
  expect(isRightReason('window attention: 16 tokens each', expected)).toBe(true)
  expect(isRightReason('causal attention: this is a decoder', expected)).toBe(false)
  expect(isRightReason('window attention: 16 tokens each', '')).toBe(false)
})

test('requires a refusal without attention to say what there is instead', () => {
  const expected = 'no self-attention found: the model is convolutional'
  expect(isRightReason(expected, expected)).toBe(true)
  expect(isRightReason('no self-attention found: tokens are mixed by Fourier transforms', expected)).toBe(false)
})
