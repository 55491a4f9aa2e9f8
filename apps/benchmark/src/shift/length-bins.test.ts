import fc from 'fast-check'
import { expect, test } from 'vitest'
import { lengthBins } from './length-bins.ts'

test('puts every example into one bin, without overlaps or empty bins', () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 50 })
  fc.assert(
    fc.property(lengths, fc.integer({ min: 1, max: 8 }), (lengths, count) => {
      const bins = lengthBins(lengths, count)
      expect(bins.length).toBeLessThanOrEqual(count)
      expect(bins.flatMap(({ examples }) => examples).sort((a, b) => a - b)).toEqual(lengths.map((_, i) => i))
      for (const [i, { shortest, longest, examples }] of bins.entries()) {
        const own = examples.map((example) => lengths[example] as number)
        expect([Math.min(...own), Math.max(...own)]).toEqual([shortest, longest])
        if (i > 0) expect(shortest).toBeGreaterThan(bins[i - 1]?.longest as number)
      }
    }),
  )
})

test('fills bins of different lengths with equally many examples', () => {
  const lengths = Array.from({ length: 40 }, (_, i) => (i * 7) % 40)
  expect(lengthBins(lengths, 4).map(({ shortest, longest, examples }) => [shortest, longest, examples.length])).toEqual(
    [
      [0, 9, 10],
      [10, 19, 10],
      [20, 29, 10],
      [30, 39, 10],
    ],
  )
})

test('refuses no bins and bins of no examples', () => {
  const refused = expect.objectContaining({ code: 'TP_OPTION' })
  expect(() => lengthBins([1], 0)).toThrow(refused)
  expect(() => lengthBins([], 2)).toThrow(refused)
})
