import { describe, expect, test } from 'vitest'
import { stratifiedSample } from './times.ts'

describe('stratifiedSample', () => {
  test('takes the middle of each equal part, by length', () => {
    const lengths = [50, 10, 40, 20, 30, 60]
    expect(stratifiedSample(lengths, 3).map((i) => lengths[i])).toEqual([20, 40, 60])
  })

  test('keeps the mean of evenly spread lengths', () => {
    const lengths = Array.from({ length: 1000 }, (_, i) => (i * 37) % 1000)
    const mean = stratifiedSample(lengths, 20).reduce((sum, i) => sum + (lengths[i] as number), 0) / 20
    expect(mean).toBe(500)
  })

  test('takes every example once where there are fewer than requested', () => {
    expect(stratifiedSample([3, 1, 2], 10)).toEqual([1, 2, 0])
  })
})
