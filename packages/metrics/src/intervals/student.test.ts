import { expect, test } from 'vitest'
import { studentQuantile } from './student.ts'

test.each([
  // scipy 1.17.1, stats.t.ppf(0.975, freedom)
  [1, 12.706204736174694],

  [3, 3.1824463052837078],

  [10, 2.228138851986274],

  [30, 2.0422724563012378],
  [100, 1.9839715185235518],
  [1000, 1.9623390808264083],
])('with %i degrees of freedom it is %f', (freedom, quantile) => {
  expect(studentQuantile(freedom)).toBeCloseTo(quantile, 6)
})
