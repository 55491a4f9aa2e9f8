import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bootstrapMean } from './bootstrap.ts'
import { type Figure, figureInterval, figureLoss, meanFigure } from './figure.ts'

const counts = fc
  .array(fc.tuple(fc.nat(9), fc.integer({ min: 1, max: 9 })), { minLength: 2, maxLength: 30 })
  .map((pairs): Figure => ({ got: pairs.map(([got, of]) => Math.min(got, of)), of: pairs.map(([, of]) => of) }))

describe('a figure', () => {
  test('is a mean where nothing is said of how much there is', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5), { minLength: 1 }), (got) => {
        expect(figureInterval({ got }, { resamples: 100 })).toEqual(bootstrapMean(got, { resamples: 100 }))
        const lower = got.map((value) => value / 2)
        const differences = got.map((value, i) => value - (lower[i] as number))
        const loss = figureLoss({ got }, { got: lower }, { resamples: 100 })
        const paired = bootstrapMean(differences, { resamples: 100 })
        for (const end of ['estimate', 'low', 'high'] as const) expect(loss[end]).toBeCloseTo(paired[end], 10)
      }),
      { numRuns: 30 },
    )
  })

  test('is a ratio of sums where that is said, within the ratios of its examples', () => {
    fc.assert(
      fc.property(counts, (figure) => {
        const { estimate, low, high } = figureInterval(figure, { resamples: 200 })
        const of = figure.of as readonly number[]
        const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
        const ratios = figure.got.map((value, i) => value / (of[i] as number))
        expect(estimate).toBeCloseTo(sum(figure.got) / sum(of), 12)
        expect(low).toBeGreaterThanOrEqual(Math.min(...ratios) - 1e-12)
        expect(high).toBeLessThanOrEqual(Math.max(...ratios) + 1e-12)
      }),
      { numRuns: 50 },
    )
  })

  test('loses nothing against itself, whichever examples are drawn', () => {
    fc.assert(
      fc.property(counts, (figure) => {
        expect(figureLoss(figure, figure, { resamples: 50 })).toEqual({ estimate: 0, low: 0, high: 0 })
      }),
      { numRuns: 20 },
    )
  })

  test('of several runs is the mean of each example', () => {
    const mean = meanFigure([
      { got: [1, 2], of: [2, 2] },
      { got: [0, 2], of: [4, 2] },
    ])
    expect(mean).toEqual({ got: [0.5, 2], of: [3, 2] })
    expect(meanFigure([{ got: [1] }, { got: [0] }])).toEqual({ got: [0.5] })
    expect(() => meanFigure([])).toThrow('no mean of no figures')
  })

  test('of other examples is not compared', () => {
    expect(() => figureLoss({ got: [1] }, { got: [1, 2] })).toThrow('1 and 2 examples')
  })

  test('draws without anything to count are left out', () => {
    const { low, high } = figureInterval({ got: [1, 0], of: [1, 0] })
    expect([low, high]).toEqual([1, 1])
  })
})
