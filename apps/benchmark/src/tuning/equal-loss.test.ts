import { expect, test } from 'vitest'
import { expectedLoss } from './equal-loss.ts'

test('a turned answer costs by how sure the dense model was', () => {
  const dense = {
    logits: Float32Array.from([Math.log(3), 0, 0, 0, Math.log(4), 0]),
    classes: 2,
    predictions: [0, 0, 0],
  } as unknown as Parameters<typeof expectedLoss>[0]
  expect(expectedLoss(dense, { predictions: [0, 0, 0] })).toBe(0)
  expect(expectedLoss(dense, { predictions: [1, 0, 0] })).toBeCloseTo(50 / 3, 4)
  expect(expectedLoss(dense, { predictions: [0, 1, 0] })).toBeCloseTo(0, 4)
  expect(expectedLoss(dense, { predictions: [0, 0, 1] })).toBeCloseTo(60 / 3, 4)
})
