import { factor, points } from '@tp/compare'
import { expect, test } from 'vitest'

test('prints points with a minus sign, and zero without one', () => {
  expect(points({ estimate: 0.04, low: -0.51, high: 0.62 })).toBe('0.0 (−0.5 … 0.6)')
  expect(points({ estimate: -0.04, low: -1, high: -0.01 })).toBe('0.0 (−1.0 … 0.0)')
})

test('prints a factor, and a dash for a quotient by 0', () => {
  expect([1.834, Number.POSITIVE_INFINITY, Number.NaN].map(factor)).toEqual(['1.83×', '–', '–'])
})
