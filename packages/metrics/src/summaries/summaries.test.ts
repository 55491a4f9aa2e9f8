import fc from 'fast-check'
import * as reference from 'simple-statistics'
import { expect, test } from 'vitest'
import { mean, sampleDeviation } from './mean.ts'
import { quantile } from './quantile.ts'

const values = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 2, maxLength: 40 })

test('agrees with simple-statistics to the last bit', () => {
  fc.assert(
    fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (sample, share) => {
      expect(mean(sample) + 0).toBe(reference.mean(sample) + 0)
      expect(sampleDeviation(sample)).toBe(reference.sampleStandardDeviation(sample))
      expect(quantile(sample, share) + 0).toBe(reference.quantile(sample, share) + 0)
    }),
  )
})

test('returns NaN for too few values', () => {
  expect([mean([]), sampleDeviation([1]), quantile([], 0.5)]).toEqual([Number.NaN, Number.NaN, Number.NaN])
})
