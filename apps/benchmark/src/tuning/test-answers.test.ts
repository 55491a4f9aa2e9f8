import { expect, test } from 'vitest'
import { uncertain, withAgain } from './test-answers.ts'

test('what is uncertain, at the threshold too, is answered by the dense model', () => {
  // Sure to 0.75, 0.5 and 0.9.
  const logits = Float32Array.from([Math.log(3), 0, 0, 0, 0, Math.log(9)])
  const pruned = { logits, classes: 2, predictions: [0, 0, 1], correct: [true, false, false] }
  expect(uncertain(pruned, 0.3)).toEqual([false, true, false])
  expect(uncertain(pruned, 0.5)).toEqual([false, true, false])
  expect(uncertain(pruned, Number.POSITIVE_INFINITY)).toEqual([false, false, false])
  const dense = { predictions: [1, 1, 0], correct: [false, true, true] }
  expect(withAgain(pruned, dense, uncertain(pruned, 0.3))).toEqual({
    predictions: [0, 1, 1],
    correct: [true, true, false],
  })
})
