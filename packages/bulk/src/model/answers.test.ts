import type { TensorLike } from '@tp/core/runtime'
import { describe, expect, test } from 'vitest'
import { classesOf, scoresOf, tagsOf, vectorsOf } from './answers.ts'

const floats = (dims: number[], data: number[]): TensorLike => ({
  type: 'float32',
  dims,
  data: Float32Array.from(data),
})
const mask = (dims: number[], data: number[]): TensorLike => ({
  type: 'int64',
  dims,
  data: BigInt64Array.from(data, BigInt),
})
const mean = { of: 'mean', isNormalised: false } as const

test('a class has the probability of its logit', () => {
  const [first, second] = classesOf({
    feeds: {},
    rows: 2,
    outputs: { logits: floats([2, 3], [0, Math.log(8), 0, 5, -5, 5]) },
  })
  expect(first?.label).toBe(1)
  expect(first?.score).toBeCloseTo(0.8, 6)
  expect(second?.label).toBe(0)
})

test('one logit tells class 1 from class 0', () => {
  const [first, second] = classesOf({
    feeds: {},
    rows: 2,
    outputs: { logits: floats([2, 1], [Math.log(3), -Math.log(3)]) },
  })
  expect([first?.label, second?.label]).toEqual([1, 0])
  expect([first?.score, second?.score]).toEqual([expect.closeTo(0.75, 6), expect.closeTo(0.75, 6)])
})

test('a score is the one logit', () => {
  expect(
    scoresOf({ feeds: {}, rows: 2, outputs: { score: floats([2, 1], [3, -1]), 'tp.kept': floats([2, 1], [9, 9]) } }),
  ).toEqual([3, -1])
})

test('a tag is the class of each token', () => {
  const feeds = { input_ids: mask([1, 2], [1, 2]) }
  expect(tagsOf({ feeds, rows: 1, outputs: { logits: floats([1, 2, 2], [1, 0, 0, 1]) } })).toEqual([
    Int32Array.of(0, 1),
  ])
})

describe('a vector', () => {
  const feeds = { attention_mask: mask([2, 3], [1, 1, 0, 1, 1, 1]) }
  const states = floats([2, 3, 2], [1, 2, 3, 4, 9, 9, 1, 0, 3, 0, 5, 6])
  const batch = { feeds, rows: 2, outputs: { last_hidden_state: states } }

  test('is the mean over the tokens that are attended', () => {
    expect(vectorsOf(batch, mean)).toEqual([Float32Array.of(2, 3), Float32Array.of(3, 2)])
  })

  test('is that of the first or the last of them where the model pools so', () => {
    expect(vectorsOf(batch, { ...mean, of: 'class token' })).toEqual([Float32Array.of(1, 2), Float32Array.of(1, 0)])
    expect(vectorsOf(batch, { ...mean, of: 'last token' })).toEqual([Float32Array.of(3, 4), Float32Array.of(5, 6)])
  })

  test('of a pruned model is that of the kept tokens', () => {
    const outputs = { last_hidden_state: floats([1, 2, 1], [4, 8]), 'tp.mask': mask([1, 2], [0, 1]) }
    expect(vectorsOf({ feeds: { attention_mask: mask([1, 3], [1, 1, 1]) }, rows: 1, outputs }, mean)).toEqual([
      Float32Array.of(8),
    ])
  })

  test('has length 1 where it is normalised', () => {
    const outputs = { sentence_embedding: floats([1, 2], [3, 4]) }
    expect(vectorsOf({ feeds: {}, rows: 1, outputs }, { ...mean, isNormalised: true })).toEqual([
      Float32Array.of(0.6, 0.8),
    ])
  })
})

test('numbers that are none, and outputs that do not fit, are refused', () => {
  const refused = expect.objectContaining({ code: 'TP_OUTPUT' })
  expect(() => classesOf({ feeds: {}, rows: 1, outputs: { logits: floats([1, 2], [1, Number.NaN]) } })).toThrow(refused)
  expect(() => classesOf({ feeds: {}, rows: 1, outputs: { states: floats([1, 2, 2], [1, 1, 1, 1]) } })).toThrow(refused)
  expect(() => vectorsOf({ feeds: {}, rows: 1, outputs: { v: floats([1, 1], [Number.NaN]) } }, mean)).toThrow(refused)
})
