import { describe, expect, test } from 'vitest'
import { largest, logitsOf, probabilities } from './predictions.ts'

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

  test('reads half precision, as bits', () => {
    const halves = { type: 'float16', dims: [1, 3], data: Uint16Array.of(0x3c00, 0xc000, 0x3800) }
    expect(logitsOf({ logits: halves }, 1).data).toEqual(Float32Array.of(1, -2, 0.5))
  })

  test('takes logarithms of probabilities, and leaves logits as they are', () => {
    const of = (...values: number[]) =>
      logitsOf(
        { scores: { type: 'float32', dims: [values.length / 2, 2], data: Float32Array.from(values) } },
        values.length / 2,
      )
    const { data } = of(0.75, 0.25, 0, 1)
    expect([...probabilities(data.subarray(0, 2))]).toEqual([expect.closeTo(0.75, 6), expect.closeTo(0.25, 6)])
    expect([...probabilities(data.subarray(2))]).toEqual([expect.closeTo(0, 6), 1])
    expect([...of(0.75, 0.25, 2, 1).data]).toEqual([0.75, 0.25, 2, 1])
    expect([...of(1.5, -0.5).data]).toEqual([1.5, -0.5])
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
