import fc from 'fast-check'
import { expect, test } from 'vitest'
import { randomNumbers } from './random-numbers.ts'

test('gives the published numbers of mulberry32', () => {
  const next = randomNumbers(0)
  expect([next(), next(), next()]).toEqual([0.26642920868471265, 0.0003297457005828619, 0.2232720274478197])
})

test('gives numbers in 0…1 that repeat for the same seed only', () => {
  const draw = (seed: number): number[] => {
    const next = randomNumbers(seed)
    return Array.from({ length: 50 }, next)
  }
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
      const numbers = draw(seed)
      expect(numbers.every((x) => x >= 0 && x < 1)).toBe(true)
      expect(draw(seed)).toEqual(numbers)
      expect(draw(seed + 1)).not.toEqual(numbers)
    }),
  )
})
