import fc from 'fast-check'
import { expect, test } from 'vitest'
import { segmentMs, tableOf } from './latency-table.ts'

const ascending = fc
  .uniqueArray(fc.integer({ min: 1, max: 512 }), { minLength: 2, maxLength: 6 })
  .map((counts) => counts.sort((a, b) => a - b))

test('adds up segments to the time of the whole model, at and between measured counts', () => {
  fc.assert(
    fc.property(ascending, fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 512 }), (tokens, sites, count) => {
      // Each site takes one more millisecond a token.
      const upTo = Array.from({ length: sites }, (_, site) => tokens.map((n) => (site + 1) * n))
      const table = tableOf(
        1,
        tokens,
        upTo,
        tokens.map((n) => (sites + 1) * n),
      )
      const sum = Array.from({ length: sites + 1 }, (_, s) => segmentMs(table, s, count)).reduce((a, b) => a + b, 0)
      expect(sum).toBeCloseTo((sites + 1) * Math.max(count, tokens[0] as number), 6)
    }),
  )
})

test('replaces times that noise makes negative with 0', () => {
  const table = tableOf(
    1,
    [8, 16],
    [
      [2, 4],
      [1.9, 5],
    ],
    [3, 6],
  )
  expect(table.segments).toEqual([
    [2, 4],
    [0, 1],
    [expect.closeTo(1.1), 1],
  ])
})
