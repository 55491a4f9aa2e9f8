import fc from 'fast-check'
import { expect, test } from 'vitest'
import { inputsOf, partsOf } from './batch-parts.ts'

test('parts of a batch have every example once, in order, and differ by one at most', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 100 }), (examples, most) => {
      const parts = partsOf(examples, most)
      expect(parts.flat()).toEqual(Array.from({ length: examples }, (_, i) => i))
      const sizes = parts.map((part) => part.length)
      expect(Math.max(...sizes)).toBeLessThanOrEqual(most)
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
    }),
  )
})

test('a batch whose tokens nobody knows is one part', () => {
  expect(partsOf(3, Number.POSITIVE_INFINITY)).toEqual([[0, 1, 2]])
})

test('a part gets its rows along the axis that counts them, and all of what is the same for everyone', () => {
  const data = Float32Array.from({ length: 12 }, (_, i) => i)
  const tensor = { type: 'float32', dims: [2, 3, 2], data }
  const { first, second, all, text } = inputsOf(
    {
      first: { tensor, axis: 0 },
      second: { tensor, axis: 1 },
      all: { tensor, axis: undefined },
      text: { tensor: { type: 'string', dims: [2], data: ['a', 'b'] }, axis: 0 },
    },
    [1],
  )
  expect(first).toEqual({ type: 'float32', dims: [1, 3, 2], data: data.slice(6) })
  expect(second).toEqual({ type: 'float32', dims: [2, 1, 2], data: Float32Array.of(2, 3, 8, 9) })
  expect(all).toEqual(tensor)
  expect(text).toEqual({ type: 'string', dims: [1], data: ['b'] })
})
