import { randomNumbers } from '@tp/core/statistics'
import fc from 'fast-check'
import { mean, variance } from 'simple-statistics'
import { describe, expect, test } from 'vitest'
import { extraLoss } from './extra-loss.ts'

const losses = fc.array(fc.constantFrom(-100, 0, 100), { minLength: 1, maxLength: 40 })
const all = (values: readonly number[]): number[] => values.map((_, i) => i)

test('the loss is the difference of the two means, within its interval or at its end', () => {
  fc.assert(
    fc.property(losses, losses, (shifted, own) => {
      const { estimate, low, high } = extraLoss(shifted, own, undefined)
      expect(estimate).toBeCloseTo(mean(shifted) - mean(own), 9)
      expect(low).toBeLessThanOrEqual(high)
    }),
  )
})

test('pairs the same examples: what both lose alike adds nothing to the interval', () => {
  const random = randomNumbers(2)
  const own = Array.from({ length: 200 }, () => (random() < 0.3 ? 100 : 0))
  const shifted = own.map((loss, i) => (i % 50 === 0 ? 100 - loss : loss))
  const width = ({ low, high }: { low: number; high: number }): number => high - low
  const [paired, apart] = [extraLoss(shifted, own, all(own)), extraLoss(shifted, own, undefined)]
  expect(paired.estimate).toBeCloseTo(apart.estimate, 9)
  expect(width(paired)).toBeLessThan(0.6 * width(apart))
})

test('the loss is uncertain even where all losses are equal', () => {
  const { estimate, low, high } = extraLoss([0, 0, 0, 0], [0, 0, 0, 0], [0, 1, 2, 3])
  expect(estimate).toBe(0)
  expect(high).toBeGreaterThan(50)
  expect(low).toBeLessThan(-50)
})

/** Half as wide as an interval of a normally distributed estimate with this variance. */
const half = (squared: number): number => 1.96 * Math.sqrt(squared)

describe('the interval is as wide as theory says', () => {
  const random = randomNumbers(7)
  const own = Array.from({ length: 600 }, () => 100 * random())

  test('the interval is as wide as theory says for other examples: both variances', () => {
    const shifted = Array.from({ length: 300 }, () => 200 * random())
    const { low, high } = extraLoss(shifted, own, undefined)
    const expected = half(variance(shifted) / 300 + variance(own) / 600)
    expect(Math.abs((high - low) / 2 / expected - 1)).toBeLessThan(0.15)
  })

  test('the interval is as wide as theory says for a bin: its variance against the rest, by the share of the rest', () => {
    const examples = Array.from({ length: 150 }, (_, i) => 4 * i)
    const bin = examples.map((i) => own[i] as number)
    const rest = own.filter((_, i) => i % 4 !== 0)
    const { estimate, low, high } = extraLoss(bin, own, examples)
    expect(estimate).toBeCloseTo(0.75 * (mean(bin) - mean(rest)), 9)
    const expected = 0.75 * half(variance(bin) / 150 + variance(rest) / 450)
    expect(Math.abs((high - low) / 2 / expected - 1)).toBeLessThan(0.15)
  })
})

test('has an interval even for a bin of one example among many', () => {
  const { low, high } = extraLoss([100], [100, ...Array.from({ length: 20 }, () => 0)], [0])
  expect(Number.isFinite(low) && Number.isFinite(high)).toBe(true)
})

test.each<[string, readonly number[], readonly number[], readonly number[] | undefined]>([
  ['nothing', [], [1], undefined],
  ['another number of positions', [1, 2], [1, 2], [0]],
  ['a position beyond', [1], [1, 2], [2]],
  ['a position twice', [1, 2], [1, 2], [0, 0]],
])('refuses %s', (_, shifted, own, examples) => {
  expect(() => extraLoss(shifted, own, examples)).toThrow(expect.objectContaining({ code: 'TP_OPTION' }))
})
