import { expect, test } from 'vitest'
import { proportionInterval } from './proportion-interval.ts'

test.each([
  // statsmodels 0.15.0, proportion_confint(successes, trials, 0.05, 'beta')
  [0, 24, 0, 0.14247359772],

  [1, 1, 0.025, 1],
  [0, 20, 0, 0.16843347098],
  [1, 29, 0.00087264688, 0.1776442955],
  [985, 1000, 0.9753802999, 0.99158095025],

  // the same; Newcombe, Statistics in Medicine 17, 1998, 857–872, table I, has .2527 to .3676 and .0578 to .1617
  [81, 263, 0.25273674559, 0.3676219226],
  [15, 148, 0.05784401008, 0.16165049035],
])('%i of %i are %f … %f', (successes, trials, low, high) => {
  const found = proportionInterval(successes, trials)
  expect(found.estimate).toBe(successes / trials)
  expect(found.low).toBeCloseTo(low, 9)
  expect(found.high).toBeCloseTo(high, 9)
})

test('knows nothing of no trials', () => {
  expect(proportionInterval(0, 0)).toEqual({ estimate: Number.NaN, low: 0, high: 1 })
})
