import { randomNumbers } from '@tp/core/statistics'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Ranks } from './ranks.ts'

test('ranks a value among all before it, with ties broken at random', () => {
  const value = fc.integer({ min: 0, max: 5 })
  fc.assert(
    fc.property(
      fc.array(value, { minLength: 1, maxLength: 30 }),
      fc.array(value, { maxLength: 60 }),
      (start, stream) => {
        const chance = 0.25
        const ranks = new Ranks(start, () => chance)
        const seen = [...start]
        for (const next of stream) {
          const p = ranks.add(next)
          seen.push(next)
          const below = seen.filter((other) => other < next).length
          const equal = seen.filter((other) => other === next).length
          expect(p).toBeCloseTo((below + chance * equal) / seen.length, 12)
        }
        ranks.restart()
        expect(ranks.count).toBe(start.length)
      },
    ),
  )
})

test('gives uniform and independent p-values without drift, for any distribution', () => {
  const random = randomNumbers(4)
  // few values that come often: ties in plenty
  const draw = (): number => Math.floor(8 * random() ** 2)
  const counts = Array.from({ length: 4 }, () => [0, 0, 0, 0])
  for (let i = 0; i < 200; i++) {
    const ranks = new Ranks(Array.from({ length: 30 }, draw), random)
    const pairs = Array.from({ length: 50 }, () => [ranks.add(draw()), ranks.add(draw())] as const)
    for (const [first, second] of pairs) {
      const row = counts[Math.min(3, Math.floor(4 * first))] as number[]
      row[Math.min(3, Math.floor(4 * second))]!++
    }
  }
  // chi-square with 15 degrees of freedom: above 37.7 once in a thousand times
  const expected = (200 * 50) / 16
  const chiSquare = counts.flat().reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
  expect(chiSquare).toBeLessThan(37.7)
})

test('ranks NaN below all others', () => {
  const ranks = new Ranks([1, 2, 3], () => 0.5)
  expect(ranks.add(Number.NaN)).toBe(0.5 / 4)
  expect(ranks.add(0)).toBeCloseTo(1.5 / 5)
})
