import { randomNumbers } from '@tp/core/statistics'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { boundedMean, fewestForMean, isMeanBelow } from './bounded-mean.ts'

const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 60 })

test('surrounds the mean with its interval within 0 … 1, in any order of the numbers', () => {
  fc.assert(
    fc.property(shares, (values) => {
      const { estimate, low, high } = boundedMean(values)
      expect(low).toBeGreaterThanOrEqual(-1e-12)
      expect(low).toBeLessThanOrEqual(estimate + 1e-12)
      expect(high).toBeGreaterThanOrEqual(estimate - 1e-12)
      expect(high).toBeLessThanOrEqual(1)
      expect(boundedMean(values.toReversed()).high).toBeCloseTo(high, 9)
      // All that is above the upper end is ruled out, nothing below it.
      expect(isMeanBelow(values, Math.min(1, high + 1e-6))).toBe(true)
      for (const part of [0.1, 0.5, 0.9]) {
        if (high - estimate > 1e-6) expect(isMeanBelow(values, estimate + part * (high - estimate))).toBe(false)
      }
    }),
    { numRuns: 60 },
  )
})

test('gives nothing but zeros a limit hardly above the exact one of a share', () => {
  expect(boundedMean(Array(1000).fill(0)).high).toBeCloseTo(0.0037 * 1.05, 4)
  expect(boundedMean([]).high).toBe(1)
})

test('needs this many zeros to show a mean of at most 0.5, 1 or 2 %', () => {
  for (const [bound, count] of [
    [0.005, 775],
    [0.01, 387],
    [0.02, 193],
  ] as const) {
    expect(fewestForMean(bound)).toBe(count)
    expect(isMeanBelow(Array(count).fill(0), bound)).toBe(true)
    expect(isMeanBelow(Array(count - 1).fill(0), bound)).toBe(false)
  }
  expect(fewestForMean(0)).toBe(Number.POSITIVE_INFINITY)
})

test('rarely misses the mean of numbers that are rarely above 0', () => {
  const random = randomNumbers(4)
  let [above, below] = [0, 0]
  for (let draw = 0; draw < 1000; draw++) {
    const { low, high } = boundedMean(Array.from({ length: 100 }, () => (random() < 0.05 ? random() : 0)))
    if (high < 0.025) above++
    if (low > 0.025) below++
  }
  // 25 of either are allowed.
  expect(above).toBeLessThanOrEqual(25)
  expect(below).toBeLessThanOrEqual(25)
})
