import { expect, test } from 'vitest'
import { uncertain, withFallback } from '../guard/cascades.ts'
import { expectedLoss } from '../sections/tuning.ts'

test('costs a changed answer by the probability that the dense model gave it', () => {
  const dense = [
    [Math.log(3), 0],
    [0, 0],
    [Math.log(4), 0],
  ]
  expect(expectedLoss(dense, [0, 0, 0])).toBe(0)
  expect(expectedLoss(dense, [1, 0, 0])).toBeCloseTo(50 / 3, 4)
  expect(expectedLoss(dense, [0, 1, 0])).toBeCloseTo(0, 4)
  expect(expectedLoss(dense, [0, 0, 1])).toBeCloseTo(60 / 3, 4)
})

test('sends uncertain answers, including those at the threshold, to the dense model', () => {
  // Probabilities of 0.75, 0.5 and 0.9.
  const pruned = [
    [Math.log(3), 0],
    [0, 0],
    [0, Math.log(9)],
  ]
  expect(uncertain(pruned, 0.3)).toEqual([false, true, false])
  expect(uncertain(pruned, 0.5)).toEqual([false, true, false])
  expect(uncertain(pruned, Number.POSITIVE_INFINITY)).toEqual([false, false, false])
  const dense = [[9], [8], [7]]
  expect(withFallback(pruned, dense, uncertain(pruned, 0.3))).toEqual([pruned[0], [8], pruned[2]])
})
