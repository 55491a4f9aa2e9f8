import fc from 'fast-check'
import { expect, test } from 'vitest'
import { binomialAt, binomialAtMost, fewestTrials, lowerBound, mostFailures, upperBound } from './binomial.ts'

/** P(X ≤ k) by whole numbers: p is `tenths` / 10. */
function exactly(k: number, trials: number, tenths: number): number {
  let [sum, choose] = [0n, 1n]
  for (let i = 0; i <= k; i++) {
    if (i > 0) choose = (choose * BigInt(trials - i + 1)) / BigInt(i)
    sum += choose * BigInt(tenths) ** BigInt(i) * BigInt(10 - tenths) ** BigInt(trials - i)
  }
  const digits = 10n ** 18n
  return Number((sum * digits) / 10n ** BigInt(trials)) / 1e18
}

test('agrees with exact integers', () => {
  const trials = fc.integer({ min: 1, max: 200 })
  fc.assert(
    fc.property(
      trials,
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.integer({ min: 1, max: 9 }),
      (n, share, tenths) => {
        const k = Math.floor(share * n)
        expect(binomialAtMost(k, n, tenths / 10)).toBeCloseTo(exactly(k, n, tenths), 10)
      },
    ),
  )
})

test('gives the limits of published Clopper-Pearson tables', () => {
  // R: binom.test(k, n, alternative = 'less')$conf.int
  expect(upperBound(0, 299, 0.95)).toBeCloseTo(0.0099692, 6)
  expect(upperBound(5, 100, 0.95)).toBeCloseTo(0.1022534, 6)
  expect(upperBound(10, 10, 0.95)).toBe(1)
})

test('does not underflow with many trials', () => {
  expect(binomialAtMost(3000, 100_000, 0.03)).toBeCloseTo(0.5048, 3)
  expect(binomialAtMost(2000, 100_000, 0.03)).toBeLessThan(1e-60)
})

test('allows the most failures for which the limit is below the rate', () => {
  const chance = fc.double({ min: 0.001, max: 0.4, noNaN: true })
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3000 }),
      chance,
      fc.double({ min: 0.5, max: 0.999, noNaN: true }),
      (n, rate, confidence) => {
        const most = mostFailures(n, rate, confidence)
        if (most >= 0) expect(upperBound(most, n, confidence)).toBeLessThanOrEqual(rate + 1e-9)
        expect(upperBound(most + 1, n, confidence)).toBeGreaterThan(rate - 1e-9)
        expect(most >= 0).toBe(n >= fewestTrials(rate, confidence))
      },
    ),
  )
})

test('adds up single terms to the distribution, and mirrors the largest rate in the smallest', () => {
  for (const [k, trials, p] of [
    [10, 100, 0.2],
    [45, 100, 0.4],
    [0, 50, 0.01],
  ] as const) {
    const terms = Array.from({ length: k + 1 }, (_, i) => binomialAt(i, trials, p))
    expect(terms.reduce((sum, term) => sum + term, 0)).toBeCloseTo(binomialAtMost(k, trials, p), 10)
  }
  expect(lowerBound(24, 24, 0.975)).toBeCloseTo(0.8575264, 6)
  expect(lowerBound(0, 24, 0.975)).toBe(0)
})
