import { expect, test } from 'vitest'
import { rankCorrelation } from './rank-correlation.ts'

test('depends on order alone', () => {
  expect(rankCorrelation([1, 2, 3, 4], [1, 10, 100, 1000])).toBeCloseTo(1, 12)
  expect(rankCorrelation([1, 2, 3, 4], [9, 7, 3, 1])).toBeCloseTo(-1, 12)
})

test('gives equal values the mean of their ranks', () => {
  // ranks 1.5 1.5 3.5 3.5 and 1 2 3 4: covariance 4, sums of squares 4 and 5
  expect(rankCorrelation([0, 0, 1, 1], [1, 2, 3, 4])).toBeCloseTo(4 / Math.sqrt(4 * 5), 12)
})

test('is undefined where nothing differs', () => {
  expect(rankCorrelation([2, 2, 2], [1, 2, 3])).toBeUndefined()
  expect(rankCorrelation([1], [1])).toBeUndefined()
  expect(rankCorrelation([], [])).toBeUndefined()
})
