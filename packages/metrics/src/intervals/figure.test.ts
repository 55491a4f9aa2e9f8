import { randomNumbers } from '@tp/core/statistics'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Figure, figureInterval, figureLoss, meanFigure } from './figure.ts'

const counts = fc.array(fc.tuple(fc.nat(9), fc.integer({ min: 1, max: 9 })), { minLength: 2, maxLength: 30 }).map(
  (pairs): Figure => ({
    got: pairs.map(([got, of]) => Math.min(got, of)),
    of: pairs.map(([, of]) => of),
    share: true,
  }),
)
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)

describe('the interval of a figure', () => {
  test('lies around the ratio of sums, and between 0 and 1 for a share', () => {
    fc.assert(
      fc.property(counts, (figure) => {
        const { estimate, low, high } = figureInterval(figure)
        expect(estimate).toBeCloseTo(sum(figure.got) / sum(figure.of as number[]), 12)
        expect(low).toBeLessThanOrEqual(estimate)
        expect(high).toBeGreaterThanOrEqual(estimate)
        expect(low).toBeGreaterThanOrEqual(0)
        expect(high).toBeLessThanOrEqual(1)
      }),
      { numRuns: 50 },
    )
  })

  test('has a width even where all is right: nearly everything for one example', () => {
    for (const figure of [
      { got: [1], share: true },
      { got: [9], of: [9], share: true },
    ]) {
      const { estimate, low, high } = figureInterval(figure)
      expect([estimate, high]).toEqual([1, 1])
      expect(low).toBeLessThan(0.1)
    }
    const many = figureInterval({ got: Array(100).fill(9), of: Array(100).fill(9), share: true })
    expect(many.low).toBeGreaterThan(0.93)
    expect(many.low).toBeLessThan(0.98)
  })

  test('depends on the spread of other numbers, and is infinite for one of them', () => {
    const { low, high } = figureInterval({ got: [5, 6, 7, 6, 5, 7, 6, 6] })
    expect(low).toBeGreaterThan(4.5)
    expect(high).toBeLessThan(7.5)
    expect(figureInterval({ got: [3] })).toEqual({
      estimate: 3,
      low: Number.NEGATIVE_INFINITY,
      high: Number.POSITIVE_INFINITY,
    })
  })

  test('counts an example as a whole: equal numbers in fewer examples give less certainty', () => {
    const random = randomNumbers(1)
    const apart = Array.from({ length: 200 }, () => Number(random() < 0.8))
    const together = Array.from({ length: 20 }, (_, i) => sum(apart.slice(10 * i, 10 * i + 10)))
    const width = ({ low, high }: { low: number; high: number }): number => high - low
    const ofFew = figureInterval({ got: together, of: together.map(() => 10), share: true })
    expect(width(ofFew)).toBeGreaterThan(width(figureInterval({ got: apart, share: true })))
  })
})

describe('the loss between two figures', () => {
  test('the loss is the difference, within its interval, and is reversed with the figures', () => {
    fc.assert(
      fc.property(counts, fc.nat(3), (figure, less) => {
        const second = { ...figure, got: figure.got.map((value) => Math.max(0, value - less)) }
        const { estimate, low, high } = figureLoss(figure, second)
        expect(estimate).toBeCloseTo(figureInterval(figure).estimate - figureInterval(second).estimate, 12)
        const turned = figureLoss(second, figure)
        expect(turned.low).toBeCloseTo(-high, 9)
        expect(turned.high).toBeCloseTo(-low, 9)
      }),
      { numRuns: 20 },
    )
  })

  test('the loss is uncertain even where nothing differs, and less so with more examples', () => {
    const of = (count: number): Figure => ({ got: Array(count).fill(9), of: Array(count).fill(10), share: true })
    const [few, many] = [figureLoss(of(24), of(24)), figureLoss(of(1000), of(1000))]
    expect(few.estimate).toBe(0)
    expect(few.high).toBeGreaterThan(0.1)
    expect(many.high).toBeGreaterThan(0.003)
    expect(many.high).toBeLessThan(0.006)
  })

  test('the loss of a graded share allows for rare examples, and for none that lose everything', () => {
    const orders = (count: number, rare?: number): Figure => ({
      got: Array(count).fill(0.9),
      share: true,
      ...(rare && { rare }),
    })
    const [whole, graded] = [figureLoss(orders(68), orders(68)), figureLoss(orders(68, 0.37), orders(68, 0.37))]
    expect(graded).toMatchObject({ estimate: 0, low: -graded.high })
    expect(graded.high).toBeGreaterThan(0.01)
    expect(graded.high).toBeLessThan(whole.high / 2)
    const second = { ...orders(68, 0.37), got: Array.from({ length: 68 }, (_, i) => (i === 0 ? 0 : 0.9)) }
    expect(figureLoss(orders(68, 0.37), second).high).toBeGreaterThan(2 * graded.high)
    expect(figureInterval(orders(68, 0.37))).toEqual(figureInterval(orders(68)))
  })

  test('the loss of a graded share holds what is true in 95 % of the draws, where few of the examples differ', () => {
    const random = randomNumbers(7)
    // Nine of ten keep their order; others lose or gain a place or two.
    const losses = Array.from(
      { length: 500 },
      (_, i) => (i % 10 === 0 ? [0.37, 0.13, -0.37, 0.05][(i / 10) % 4] : 0) ?? 0,
    )
    const truth = losses.reduce((sum, loss) => sum + loss, 0) / losses.length
    const missed = Array.from({ length: 400 }, () => {
      const got = Array.from({ length: 68 }, () => losses[Math.floor(random() * losses.length)] ?? 0)
      const { low, high } = figureLoss(
        { got: got.map(() => 0), share: true, rare: 0.37 },
        { got: got.map((loss) => -loss), share: true, rare: 0.37 },
      )
      return truth < low || truth > high
    })
    expect(missed.filter(Boolean).length).toBeLessThan(0.05 * missed.length)
  })

  test('F1 and its loss hold what is true in 95 % of the draws, from few sentences and from many', () => {
    const random = randomNumbers(9)
    // One to forty entities; one sentence in twenty is bad before, and one in twenty is worse after.
    const sentences = Array.from({ length: 5000 }, () => {
      const entities = 1 + Math.floor(40 * random() ** 2)
      const right = random() < 0.05 ? 0.5 : 0.99
      const hits = Array.from({ length: entities }, () => random() < right).filter(Boolean).length
      const lost = random() < 0.05 ? 1 + Math.floor(random() * hits) : 0
      return { of: 2 * entities, before: 2 * hits, after: 2 * Math.max(0, hits - lost) }
    })
    const figureOf = (rows: typeof sentences, field: 'before' | 'after'): Figure => ({
      ...{ got: rows.map((row) => row[field]), of: rows.map(({ of }) => of), share: true },
    })
    const intervals = (rows: typeof sentences) => [
      figureInterval(figureOf(rows, 'before')),
      figureLoss(figureOf(rows, 'before'), figureOf(rows, 'after')),
    ]
    const truths = intervals(sentences).map(({ estimate }) => estimate)
    const draws = Array.from({ length: 200 }, (_, draw) =>
      intervals(
        Array.from({ length: [24, 60, 150, 400][draw % 4] ?? 0 }, () => sentences[Math.floor(random() * 5000)]).filter(
          (row) => row !== undefined,
        ),
      ),
    )
    for (const [i, truth] of truths.entries()) {
      const missed = draws.filter((both) => truth < (both[i]?.low ?? 0) || truth > (both[i]?.high ?? 0))
      expect(missed.length).toBeLessThan(0.05 * draws.length)
    }
  })

  test('the loss is missing where the examples differ', () => {
    expect(() => figureLoss({ got: [1] }, { got: [1, 2] })).toThrow('1 and 2 examples')
  })
})

test('averages each example over several runs', () => {
  const mean = meanFigure([
    { got: [1, 2], of: [2, 2], share: true },
    { got: [0, 2], of: [4, 2], share: true },
  ])
  expect(mean).toEqual({ got: [0.5, 2], of: [3, 2], share: true })
  expect(meanFigure([{ got: [1] }, { got: [0] }])).toEqual({ got: [0.5] })
  expect(() => meanFigure([])).toThrow('no mean of no figures')
})
