import { randomNumbers } from '@tp/core/statistics'
import { expect, test } from 'vitest'
import { quantileByHalving } from './student.ts'
import { upperMean } from './upper-mean.ts'

test.each([
  // scipy 1.17.1, stats.t.ppf(0.8, freedom)
  [1, 1.3763819204711738],
  [4, 0.9409645772351816],
  [29, 0.8541919858818557],
  [199, 0.8434311999372966],
])('80 %% of Student’s t with %i degrees of freedom are below %f', (freedom, quantile) => {
  expect(quantileByHalving(freedom, 0.8)).toBeCloseTo(quantile, 8)
})

test('lies above the true mean as often as it says', () => {
  const random = randomNumbers(8)
  const draws = 2000
  let above = 0
  for (let draw = 0; draw < draws; draw++) {
    const values = Array.from({ length: 40 }, () => random() + random())
    if (upperMean(values, 0.8) >= 1) above++
  }
  expect(above / draws).toBeGreaterThan(0.77)
  expect(above / draws).toBeLessThan(0.83)
})

test('returns the number itself where all are the same', () => {
  expect(upperMean([3, 3, 3], 0.8)).toBe(3)
})
