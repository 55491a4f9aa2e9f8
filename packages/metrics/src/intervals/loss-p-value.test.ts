import { binomialAt } from '@tp/core/statistics'
import { expect, test } from 'vitest'
import { TAIL } from './interval.ts'
import { lossPValue } from './loss-p-value.ts'

test.each([
  // All tables enumerated, 4,000 values of the nuisance (numpy 2.4, scipy 1.17.1): the largest sum of multinomial probabilities,
  // plus 0.0005.
  [0, 0, 24, 0.15, 0.02198],
  [2, 1, 24, 0.24, 0.02225],
  [3, 5, 40, 0.1, 0.02898],
  [1, 0, 60, 0.08, 0.04227],
  [12, 10, 60, 0.2, 0.0205],
  [0, 0, 100, 0.0377, 0.02276],
])(
  '%i losses and %i gains of %i speak against a loss of %f with p = %f',
  (onlyFirst, onlySecond, examples, loss, p) => {
    expect(lossPValue({ examples, onlyFirst, onlySecond }, loss)).toBeCloseTo(p, 4)
  },
)

test('rules out a loss as large as the tolerance in at most 2.5 % of cases, whatever the true shares are', () => {
  const [examples, tolerance] = [30, 0.15]
  const rejected: (readonly [losses: number, gains: number])[] = []
  for (let gains = 0; gains <= examples; gains++) {
    for (let losses = 0; losses + gains <= examples; losses++) {
      // Beyond this nothing is ruled out, nor with more losses.
      if (lossPValue({ examples, onlyFirst: losses, onlySecond: gains }, tolerance) > TAIL) break
      rejected.push([losses, gains])
    }
  }
  expect(rejected.length).toBeGreaterThan(20)
  for (const gained of [0, 0.001, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4]) {
    const lost = (gained + tolerance) / (1 - gained)
    const level = rejected.reduce(
      (sum, [losses, gains]) => sum + binomialAt(gains, examples, gained) * binomialAt(losses, examples - gains, lost),
      0,
    )
    expect(level).toBeLessThanOrEqual(TAIL)
  }
})
