import fc from 'fast-check'
import { expect, test } from 'vitest'
import { breakEven } from './grid.ts'

const at = (tokens: number, low: number) => ({ tokens, speedup: { value: low + 0.1, low, high: low + 0.2 } })

test('finds the least length after the last one that is not certainly faster', () => {
  expect(breakEven([at(8, 0.9), at(16, 1.2), at(32, 1), at(64, 1.1), at(128, 2)])).toBe(64)
  expect(breakEven([at(8, 1.1), at(16, 1.2)])).toBe(8)
  expect(breakEven([at(8, 2), at(16, 0.99)])).toBeUndefined()
})

test('finds everything faster from the break-even length on, and something slower just before it', () => {
  const lows = fc.array(fc.double({ min: 0.5, max: 2, noNaN: true }), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(lows, (values) => {
      const times = values.map((low, i) => at(2 ** i, low))
      const from = breakEven(times) ?? Number.POSITIVE_INFINITY
      const before = times.filter(({ tokens }) => tokens < from)
      expect(times.every(({ tokens, speedup }) => tokens < from || speedup.low > 1)).toBe(true)
      expect(before.at(-1)?.speedup.low ?? 0).toBeLessThanOrEqual(1)
    }),
  )
})
