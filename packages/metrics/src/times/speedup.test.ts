import { describe, expect, test } from 'vitest'
import { medianInterval, pairedSpeedup } from './speedup.ts'

// Ranks as in published tables of confidence intervals for the median (95 %, sign test).
test.each([
  [3, 1],
  [5, 1],
  [6, 1],
  [8, 1],
  [9, 2],
  [10, 2],
  [20, 6],
  [25, 8],
  [50, 18],
])('the interval of the median of %d values starts at the one of rank %d', (n, rank) => {
  const values = Array.from({ length: n }, (_, i) => i + 1).reverse()
  expect(medianInterval(values)).toEqual({ low: rank, high: n + 1 - rank })
})

describe('pairedSpeedup', () => {
  test('returns the median of ratios within rounds, not the ratio of medians', () => {
    const [slow, fast] = [
      [10, 20, 40],
      [5, 10, 10],
    ]
    expect(pairedSpeedup(slow, fast)).toEqual({ value: 2, low: 2, high: 4 })
  })

  test('refuses times that are not paired', () => {
    expect(() => pairedSpeedup([1, 2], [1])).toThrow('times of 2 and 1 rounds do not pair')
    expect(() => pairedSpeedup([], [])).toThrow('times of 0 and 0 rounds')
  })
})
