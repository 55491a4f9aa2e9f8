import { expect, test } from 'vitest'
import { uncertain, withFallback } from './cascades.ts'

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
