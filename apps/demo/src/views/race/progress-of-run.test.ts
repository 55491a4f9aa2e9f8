import { expect, test } from 'vitest'
import { layersDone } from './progress-of-run.ts'

test('gives each layer time by its tokens', () => {
  const tokens = [60, 20, 20]
  expect([0, 0.59, 0.6, 0.79, 0.8, 0.99, 1].map((share) => layersDone(tokens, share))).toEqual([0, 0, 1, 1, 2, 2, 3])
})

test('ends with all layers', () => {
  expect(layersDone([1, 1], 3)).toBe(2)
  expect(layersDone([], 0)).toBe(0)
})
