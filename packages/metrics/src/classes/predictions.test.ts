import { describe, expect, test } from 'vitest'
import { largest, logitsOf } from './predictions.ts'

const float = (...dims: number[]) => ({
  type: 'float32',
  dims,
  data: new Float32Array(dims.reduce((size, dim) => size * dim, 1)),
})

describe('logitsOf', () => {
  test('takes logits or the only output of that form, and no trace', () => {
    const output = float(2, 5)
    expect(logitsOf({ logits: output, pooled: float(2, 8) }, 2)).toEqual({ classes: 5, data: output.data })
    expect(logitsOf({ hidden: float(2, 7, 8), scores: output, 'tp.trace.1.score': float(2, 9) }, 2).classes).toBe(5)
  })

  test('says what it saw where it cannot tell', () => {
    const message = 'the model gave a float32[2,5], b float32[2,5]'
    expect(() => logitsOf({ a: float(2, 5), b: float(2, 5) }, 2)).toThrow(message)
    expect(() => logitsOf({ hidden: float(2, 7, 8) }, 2)).toThrow('one float32 output [2, classes] is needed')
    expect(() => logitsOf({ logits: float(3, 5) }, 2)).toThrow('the model gave logits float32[3,5]')
  })
})

test('takes the first of equal largest values, and none next to NaN', () => {
  expect(largest([1, 3, 3])).toBe(1)
  expect(largest([-1, -5])).toBe(0)
  expect(largest([5, Number.NaN, 7])).toBe(-1)
})
