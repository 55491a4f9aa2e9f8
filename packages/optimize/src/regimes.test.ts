import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Cell, denseUpTo, usualGrid } from './regimes.ts'

const cell = fc
  .record({
    batch: fc.constantFrom(1, 4, 16),
    tokens: fc.integer({ min: 1, max: 512 }),
    speedup: fc.double({ min: 0.5, max: 3, noNaN: true }),
  })
  .map(
    ({ batch, tokens, speedup }): Cell => ({
      batch,
      tokens,
      positions: batch * tokens,
      speedup,
      low: speedup,
      high: speedup,
    }),
  )

test('finds the longest of more examples than a call has arguments', () => {
  const lengths = Array.from({ length: 300_000 }, (_, i) => 3 + (i % 10))
  expect(usualGrid({ lengths }).map(({ tokens }) => tokens)).toEqual([8, 12, 8, 12, 8, 12])
})

test('sends no run to the pruned model that was timed slower than dense, with the lowest such limit', () => {
  fc.assert(
    fc.property(fc.array(cell), (cells) => {
      const limit = denseUpTo(cells)
      for (const { positions, speedup } of cells) expect(speedup >= 1 || positions <= limit).toBe(true)
      expect(limit === 0 || cells.some(({ positions, speedup }) => positions === limit && speedup < 1)).toBe(true)
    }),
  )
})

test('ends the default grid with the longest example', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 512 }), { minLength: 1 }), (lengths) => {
      const most = Math.max(...lengths)
      const grid = usualGrid({ lengths })
      expect(grid).toContainEqual({ batch: 1, tokens: most })
      for (const { batch, tokens = 0 } of grid) expect(tokens <= most && batch * tokens <= 4096).toBe(true)
    }),
  )
})
