import { expect, test } from 'vitest'
import { bootstrapMean, pairedBootstrap } from './paired-bootstrap.ts'

test('the interval of a mean is about 1.96 standard errors on either side', () => {
  const values = Array.from({ length: 400 }, (_, i) => i % 2)
  const { estimate, low, high } = bootstrapMean(values)
  expect(estimate).toBe(0.5)
  expect(low).toBeCloseTo(0.5 - 1.96 * 0.025, 2)
  expect(high).toBeCloseTo(0.5 + 1.96 * 0.025, 2)
})

test('a difference on the same examples is narrower than either figure', () => {
  const first = Array.from({ length: 60 }, (_, i) => Math.sin(i))
  const second = first.map((value, i) => value - 0.1 - 0.01 * Math.cos(i))
  const mean = (values: readonly number[], examples: Int32Array): number =>
    examples.reduce((sum, example) => sum + (values[example] as number), 0) / examples.length
  const lost = pairedBootstrap(60, (examples) => mean(first, examples) - mean(second, examples))
  expect(lost.high - lost.low).toBeLessThan(0.01)
  const own = bootstrapMean(first)
  expect(own.high - own.low).toBeGreaterThan(0.3)
  expect(lost.low).toBeGreaterThan(0.09)
})
