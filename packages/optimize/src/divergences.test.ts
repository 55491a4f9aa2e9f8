import fc from 'fast-check'
import { expect, test } from 'vitest'
import { interpolated } from './divergences.ts'

const measured = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 })
const share = fc.double({ min: 0.02, max: 1, noNaN: true })

test('keeps measured values exactly and recovers a power law', () => {
  const quadratic = [0.8, 0.5, 0.25, 0.1].map((left) => (1 - left) ** 2)
  for (const left of [0.95, 0.8, 0.6, 0.5, 0.3, 0.1, 0.05]) {
    expect(interpolated(quadratic, left)).toBeCloseTo((1 - left) ** 2, 9)
  }
})

test('gives the loss 0 if nothing is pruned, and never less with fewer tokens', () => {
  fc.assert(
    fc.property(measured, share, share, (tried, a, b) => {
      expect(interpolated(tried, 1)).toBe(0)
      const [fewer, more] = [Math.min(a, b), Math.max(a, b)].map((left) => interpolated(tried, left)) as [
        number,
        number,
      ]
      expect(fewer).toBeGreaterThanOrEqual(more * (1 - 1e-9))
    }),
  )
})
