import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ndcg, rankedGains, rankingOf } from './ndcg.ts'

test('gains are discounted by the logarithm of their rank, and divided by the best order', () => {
  // (3 + 2/log₂3 + 0 + 1/log₂5) / (3 + 2/log₂3 + 1/2)
  expect(ndcg([3, 2, 0, 1], [3, 2, 0, 1])).toBeCloseTo(0.985_4, 4)
  expect(ndcg([0, 1], [1])).toBeCloseTo(1 / Math.log2(3), 12)
})

test('relevant documents beyond the depth, and those that are not candidates, are missing', () => {
  expect(ndcg([0, 0, 1], [1], 2)).toBe(0)
  expect(ndcg([1, 0], [1, 1])).toBeCloseTo(1 / (1 + 1 / Math.log2(3)), 12)
  expect(ndcg([0, 0], [0, 0])).toBe(0)
})

test('no order is better than that by gain', () => {
  const gains = fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 15 })
  fc.assert(
    fc.property(gains, (own) => {
      expect(ndcg(own, own)).toBeLessThanOrEqual(1)
      const best = own.toSorted((a, b) => b - a)
      expect(ndcg(best, own)).toBeCloseTo(own.some((gain) => gain > 0) ? 1 : 0, 12)
    }),
  )
})

test('gains of equal scores count as in the mean of all their orders', () => {
  expect(rankedGains([2, 5, 2, 2, 1], [3, 1, 0, 0, 2])).toEqual([1, 1, 1, 1, 2])
  // 1 at rank 1 or 2, equally often.
  const either = (1 + 1 / Math.log2(3)) / 2
  for (const gains of [
    [1, 0],
    [0, 1],
  ])
    expect(ndcg(rankedGains([4, 4], gains), gains)).toBeCloseTo(either, 12)
})

test('equal scores keep their order, and what is no number ranks last', () => {
  expect(rankingOf([1, Number.NaN, 3, 1, Number.NEGATIVE_INFINITY])).toEqual([2, 0, 3, 1, 4])
})
