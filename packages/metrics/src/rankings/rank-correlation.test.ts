import fc from 'fast-check'
import { sampleRankCorrelation } from 'simple-statistics'
import { expect, test } from 'vitest'
import { rankCorrelation, rankCorrelationAt } from './rank-correlation.ts'

test('depends on order alone', () => {
  expect(rankCorrelation([1, 2, 3, 4], [1, 10, 100, 1000])).toBeCloseTo(1, 12)
  expect(rankCorrelation([1, 2, 3, 4], [9, 7, 3, 1])).toBeCloseTo(-1, 12)
})

test('gives equal values the mean of their ranks', () => {
  // ranks 1.5 1.5 3.5 3.5 and 1 2 3 4: covariance 4, sums of squares 4 and 5
  expect(rankCorrelation([0, 0, 1, 1], [1, 2, 3, 4])).toBeCloseTo(4 / Math.sqrt(4 * 5), 12)
})

test('returns undefined where nothing differs', () => {
  expect(rankCorrelation([2, 2, 2], [1, 2, 3])).toBeUndefined()
  expect(rankCorrelation([1], [1])).toBeUndefined()
  expect(rankCorrelation([], [])).toBeUndefined()
})

test('returns the same for drawn examples as for lists of them', () => {
  // Few values, so that many are equal, and far ones.
  const value = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.double({ noNaN: true, noDefaultInfinity: true }))
  const drawn = fc.integer({ min: 1, max: 30 }).chain((length) =>
    fc.record({
      a: fc.array(value, { minLength: length, maxLength: length }),
      b: fc.array(value, { minLength: length, maxLength: length }),
      draws: fc.array(fc.array(fc.integer({ min: 0, max: length - 1 }), { minLength: 1, maxLength: 40 }), {
        minLength: 2,
        maxLength: 2,
      }),
    }),
  )
  fc.assert(
    fc.property(drawn, ({ a, b, draws }) => {
      const correlation = rankCorrelationAt(a, b)
      for (const draw of draws) {
        const at = (values: readonly number[]): number[] => draw.map((i) => values[i] as number)
        const seen = correlation(Int32Array.from(draw))
        if ([a, b].some((values) => new Set(at(values)).size < 2)) expect(seen).toBeUndefined()
        else expect(seen).toBeCloseTo(sampleRankCorrelation(at(a), at(b)), 10)
      }
    }),
  )
})
