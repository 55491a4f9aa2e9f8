import fc from 'fast-check'
import { expect, test } from 'vitest'
import { lengthOf, nearest } from './neighbors.ts'

test('measures vectors of more elements than a call has arguments', () => {
  expect(lengthOf(Float64Array.of(3, -4))).toBe(5)
  expect(lengthOf(new Float64Array(250_002).fill(0.5))).toBeCloseTo(0.5 * Math.sqrt(250_002), 9)
  expect(lengthOf(new Float64Array(0))).toBe(0)
})

test('orders neighbors by similarity and breaks ties by index', () => {
  const similarity = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 2, maxLength: 30 })
  fc.assert(
    fc.property(similarity, fc.integer({ min: 1, max: 12 }), fc.nat(), (values, count, some) => {
      const query = some % values.length
      const sorted = [...values.keys()]
        .filter((row) => row !== query)
        .sort((a, b) => (values[b] as number) - (values[a] as number) || a - b)
      expect(nearest(Float64Array.from(values), count, query)).toEqual(sorted.slice(0, count))
    }),
  )
})
