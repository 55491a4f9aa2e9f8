import { binomialAt } from '@tp/core/statistics'
import { describe, expect, test } from 'vitest'
import { TAIL } from './interval.ts'
import { fewestForLoss, pairedDifference } from './paired-difference.ts'
import { scoreLimit } from './paired-score.ts'

describe('the interval of a paired difference', () => {
  test('has a width where no answer differs, and a large one for a single example', () => {
    const { estimate, low, high } = pairedDifference({ examples: 24, onlyFirst: 0, onlySecond: 0 })
    expect(estimate).toBe(0)
    expect(low).toBe(-high)
    expect(high).toBeCloseTo(0.145, 2)
    expect(pairedDifference({ examples: 1, onlyFirst: 0, onlySecond: 0 }).high).toBeGreaterThan(0.9)
    expect(pairedDifference({ examples: 1, onlyFirst: 1, onlySecond: 0 })).toMatchObject({ estimate: 1, high: 1 })
  })

  test("the interval is Tango's or hardly wider", () => {
    for (const [examples, onlyFirst, onlySecond] of [
      [150, 3, 2],
      [1000, 20, 15],
    ] as const) {
      const counts = { examples, onlyFirst, onlySecond }
      const [tango, exact] = [scoreLimit(counts, 1.959964), pairedDifference(counts).high]
      expect(exact).toBeGreaterThanOrEqual(tango - 1e-9)
      expect(exact).toBeLessThan(1.03 * tango)
    }
  })

  test('the interval is reversed with the models', () => {
    const { estimate, low, high } = pairedDifference({ examples: 60, onlyFirst: 7, onlySecond: 3 })
    const turned = pairedDifference({ examples: 60, onlyFirst: 3, onlySecond: 7 })
    expect([turned.estimate, turned.low, turned.high]).toEqual([-estimate, -high, -low])
  })

  test('misses the truth on either side in at most 2.5 % of all cases, whatever the true shares are', () => {
    const examples = 12
    const all: { losses: number; gains: number; low: number; high: number }[] = []
    for (let losses = 0; losses <= examples; losses++) {
      for (let gains = 0; gains + losses <= examples; gains++) {
        all.push({ losses, gains, ...pairedDifference({ examples, onlyFirst: losses, onlySecond: gains }) })
      }
    }
    for (const gained of [0, 0.01, 0.05, 0.2, 0.4]) {
      for (const lost of [0, 0.01, 0.05, 0.15, 0.3, 0.5]) {
        const chance = ({ losses, gains }: { losses: number; gains: number }): number =>
          binomialAt(gains, examples, gained) * binomialAt(losses, examples - gains, lost / (1 - gained))
        const missed = (is: (own: (typeof all)[number]) => boolean): number =>
          all.filter(is).reduce((sum, own) => sum + chance(own), 0)
        expect(missed(({ high }) => high < lost - gained - 1e-9)).toBeLessThanOrEqual(TAIL)
        expect(missed(({ low }) => low > lost - gained + 1e-9)).toBeLessThanOrEqual(TAIL)
      }
    }
  })
})

test('needs this many examples to show a loss of at most 0.5, 1 or 2 points', () => {
  for (const [tolerance, examples] of [
    [0.005, 765],
    [0.01, 381],
    [0.02, 189],
  ] as const) {
    expect(fewestForLoss(tolerance)).toBe(examples)
    expect(pairedDifference({ examples, onlyFirst: 0, onlySecond: 0 }).high).toBeLessThanOrEqual(tolerance)
    expect(pairedDifference({ examples: examples - 1, onlyFirst: 0, onlySecond: 0 }).high).toBeGreaterThan(tolerance)
  }
  expect(fewestForLoss(0)).toBe(Number.POSITIVE_INFINITY)
})
