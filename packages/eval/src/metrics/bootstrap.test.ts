import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bootstrapMean } from './bootstrap.ts'

const values = fc.array(fc.integer({ min: -1, max: 1 }), { minLength: 1, maxLength: 80 })

describe('bootstrapMean', () => {
  test('the interval lies around the mean and within the values', () => {
    fc.assert(
      fc.property(values, fc.nat(), (data, seed) => {
        const { estimate, low, high } = bootstrapMean(data, { seed, resamples: 500 })
        expect(estimate).toBeCloseTo(data.reduce((sum, x) => sum + x, 0) / data.length, 12)
        expect(low).toBeLessThanOrEqual(estimate + 1e-12)
        expect(high).toBeGreaterThanOrEqual(estimate - 1e-12)
        expect(low).toBeGreaterThanOrEqual(Math.min(...data))
        expect(high).toBeLessThanOrEqual(Math.max(...data))
      }),
      { numRuns: 50 },
    )
  })

  test('is the same for the same seed', () => {
    const data = [0, 1, 1, 0, 1, 1, 1]
    expect(bootstrapMean(data, { seed: 3 })).toEqual(bootstrapMean(data, { seed: 3 }))
  })

  test('equal values leave no doubt', () => {
    expect(bootstrapMean(Array(30).fill(0))).toEqual({ estimate: 0, low: 0, high: 0 })
  })

  test('has the width that the normal approximation gives for a large sample', () => {
    // 1,000 answers, 900 right: 90 ± 1.96·√(0.9·0.1/1000) = 90 ± 1.86 %
    const answers = Array.from({ length: 1000 }, (_, i) => (i < 900 ? 100 : 0))
    const { estimate, low, high } = bootstrapMean(answers)
    expect(estimate).toBe(90)
    expect(low).toBeGreaterThan(90 - 1.86 - 0.2)
    expect(low).toBeLessThan(90 - 1.86 + 0.2)
    expect(high).toBeGreaterThan(90 + 1.86 - 0.2)
    expect(high).toBeLessThan(90 + 1.86 + 0.2)
  })

  test('says nothing about nothing', () => {
    expect(bootstrapMean([])).toEqual({ estimate: Number.NaN, low: Number.NaN, high: Number.NaN })
  })
})
