import { expect, test } from 'vitest'
import { type Answer, shareOfLargest } from './answers.ts'

const tensor = (...data: readonly number[]) => ({ type: 'float32', dims: [data.length], data: Float32Array.from(data) })
const answer = (example: number, ...logits: readonly number[]): Answer => ({
  arrangement: 'alone',
  example,
  outputs: { logits: tensor(...logits) },
})

test('measures an output that happens to be near 0 by the size that it has in another example', () => {
  const distance = shareOfLargest([answer(0, 3, -4), answer(1, 0.03, 0.04)])
  expect(distance(tensor(0.06, 0.04), tensor(0.03, 0.04), 'logits')).toBeCloseTo(0.03 / 5)
  expect(distance(tensor(3, -3.5), tensor(3, -4), 'logits')).toBeCloseTo(0.1)
  expect(distance(undefined, tensor(3, -4), 'logits')).toBe(Number.POSITIVE_INFINITY)
})
