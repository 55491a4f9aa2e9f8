import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NORMAL } from './interval.ts'
import { isScoredBelow, pairedScore, scoreLimit } from './paired-score.ts'

test.each([
  // Roots of the score with the likelihood maximised numerically (scipy 1.17.1, optimize.minimize_scalar and brentq). The first is
  // published as well: −0.517 to −0.026, Fagerland, Lydersen and Laake, Statistics in Medicine 33, 2014 (airway hyper-responsiveness).
  [1, 7, 21, -0.517232, -0.026003],
  [6, 16, 161, -0.124023, -0.005433],
  [40, 20, 160, 0.030865, 0.218064],
  [0, 1, 44, -0.118077, 0.059393],
  [12, 2, 50, 0.061112, 0.344709],
  [20, 15, 1000, -0.006938, 0.017376],
])("Tango's interval of %i against %i of %i is %f … %f", (onlyFirst, onlySecond, examples, low, high) => {
  expect(-scoreLimit({ examples, onlyFirst: onlySecond, onlySecond: onlyFirst }, NORMAL)).toBeCloseTo(low, 5)
  expect(scoreLimit({ examples, onlyFirst, onlySecond }, NORMAL)).toBeCloseTo(high, 5)
})

test('extends z² / (n + z²) to either side without a difference', () => {
  const limit = scoreLimit({ examples: 24, onlyFirst: 0, onlySecond: 0 }, NORMAL)
  expect(limit).toBeCloseTo(NORMAL ** 2 / (24 + NORMAL ** 2), 9)
})

const counts = fc
  .tuple(fc.nat(30), fc.nat(30), fc.nat(500))
  .map(([onlyFirst, onlySecond, both]) => ({ examples: onlyFirst + onlySecond + both + 1, onlyFirst, onlySecond }))

test('falls as the assumed difference rises, and rises with the losses', () => {
  const difference = fc.double({ min: -0.95, max: 0.95, noNaN: true })
  fc.assert(
    fc.property(counts, difference, difference, (seen, a, b) => {
      const [low, high] = a < b ? [a, b] : [b, a]
      expect(pairedScore(seen, high)).toBeLessThanOrEqual(pairedScore(seen, low) + 1e-9)
      const more = { ...seen, examples: seen.examples + 1, onlyFirst: seen.onlyFirst + 1 }
      const other = { ...seen, examples: seen.examples + 1, onlySecond: seen.onlySecond + 1 }
      expect(pairedScore(more, a)).toBeGreaterThanOrEqual(pairedScore(other, a) - 1e-9)
    }),
  )
})

test('rules out at once what lies beyond the limit', () => {
  fc.assert(
    fc.property(counts, fc.double({ min: 0.001, max: 0.9, noNaN: true }), (seen, difference) => {
      const limit = scoreLimit(seen, NORMAL)
      fc.pre(Math.abs(limit - difference) > 1e-9)
      expect(isScoredBelow(seen, difference)).toBe(difference > limit)
    }),
  )
})
