import type { TensorLike } from '@tp/core/runtime'
import { describe, expect, test } from 'vitest'
import { logitsOf, probabilities, vectorOf } from './vectors.ts'

describe('a vector', () => {
  const output: TensorLike = { type: 'float32', dims: [3], data: Float32Array.of(3, 4, 12) }

  test('is cut before its length becomes 1', () => {
    const seen = vectorOf(output, { pooling: 'mean', normalize: true, dimensions: 2 })
    expect(Array.from(seen)).toEqual([expect.closeTo(0.6), expect.closeTo(0.8)])
  })

  test('is pooled from those of the tokens', () => {
    const states: TensorLike = { type: 'float32', dims: [3, 2], data: Float32Array.of(3, 0, 0, 6, 6, 0) }
    expect([...vectorOf(states, { pooling: 'maximum', normalize: false })]).toEqual([6, 6])
  })

  test('has no more dimensions than the model’s, and no infinite ones', () => {
    const more = { pooling: 'mean', normalize: true, dimensions: 4 } as const
    expect(() => vectorOf(output, more)).toThrow(expect.objectContaining({ code: 'TP_REQUEST' }))
    const wrong = { ...output, data: Float32Array.of(1, Number.NaN, 0) }
    expect(() => vectorOf(wrong, { pooling: 'mean', normalize: false })).toThrow(
      expect.objectContaining({ code: 'TP_OUTPUT' }),
    )
  })
})

test('logits become probabilities by softmax, and a single one by its sigmoid', () => {
  expect(probabilities(Float32Array.of(1000, 1000))).toEqual([0.5, 0.5])
  expect(probabilities(Float32Array.of(0))).toEqual([0.5])
})

test('logits are the output of that name, or the only one of classes', () => {
  const one: TensorLike = { type: 'float32', dims: [2], data: Float32Array.of(1, 2) }
  expect(logitsOf({ other: one, logits: { ...one, data: Float32Array.of(3, 4) }, 'tp.x': one })).toEqual(
    Float32Array.of(3, 4),
  )
  expect(logitsOf({ score: one, 'tp.x': one })).toEqual(one.data)
  expect(() => logitsOf({ score: one, other: one })).toThrow(expect.objectContaining({ code: 'TP_OUTPUT' }))
})
