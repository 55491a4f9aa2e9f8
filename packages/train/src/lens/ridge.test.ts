import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bestStrength, emptyNormal, lossOf, type Normal, ridge, sumOf } from './ridge.ts'

/** Sums over rows of numbers. */
function normalOf(x: readonly (readonly number[])[], y: readonly (readonly number[])[]): Normal {
  const [n, m] = [x[0]?.length as number, y[0]?.length as number]
  const normal = emptyNormal(n, m)
  for (const [t, row] of x.entries()) {
    for (let i = 0; i < n; i++) {
      const own = row[i] as number
      for (let j = 0; j < n; j++) normal.xx[i * n + j] = (normal.xx[i * n + j] as number) + own * (row[j] as number)
      for (let j = 0; j < m; j++) normal.xy[i * m + j] = (normal.xy[i * m + j] as number) + own * (y[t]?.[j] as number)
    }
  }
  return normal
}

const number = fc.double({ min: -3, max: 3, noNaN: true })
const row = fc.tuple(number, number, number)
const rows = fc.array(row, { minLength: 4, maxLength: 20 })

test('solves (X + λ I) W = Y', () => {
  fc.assert(
    fc.property(rows, fc.double({ min: 0.01, max: 2, noNaN: true }), (x, strength) => {
      const normal = normalOf(
        x,
        x.map(([a, b, c]) => [a - 2 * b, c + 1]),
      )
      const trace = [0, 4, 8].reduce((sum, i) => sum + (normal.xx[i] as number), 0)
      fc.pre(trace > 1e-3)
      const w = ridge(normal, strength)
      for (let i = 0; i < 3; i++) {
        for (let j = 0; j < 2; j++) {
          const seen = [0, 1, 2].reduce(
            (sum, k) =>
              sum +
              ((normal.xx[3 * i + k] as number) + (i === k ? (strength * trace) / 3 : 0)) * (w[2 * k + j] as number),
            0,
          )
          expect(seen).toBeCloseTo(normal.xy[2 * i + j] as number, 6)
        }
      }
    }),
  )
})

test('finds a map that there is, and its loss is what the distances add up to', () => {
  const x = Array.from({ length: 12 }, (_, t) => [Math.sin(t), Math.cos(2 * t), 1])
  const y = x.map(([a = 0, b = 0, c = 0]) => [2 * a - b, 3 * c + b])
  const w = ridge(normalOf(x, y), 1e-12)
  expect([...w]).toEqual([2, 0, -1, 1, 0, 3].map((value) => expect.closeTo(value, 6)))
  const squares = y.flat().reduce((sum, value) => sum + value ** 2, 0)
  expect(lossOf(normalOf(x, y), w) + squares).toBeCloseTo(0, 6)
})

test('chooses the strength by what was held out', () => {
  const x = Array.from({ length: 12 }, (_, t) => [Math.sin(t), Math.cos(2 * t), 1])
  const signal = normalOf(
    x,
    x.map(([a = 0]) => [a]),
  )
  const noise = normalOf(
    x,
    x.map(([a = 0]) => [-a]),
  )
  expect(bestStrength(signal, signal, [1e-6, 1, 100])).toBe(1e-6)
  expect(bestStrength(signal, noise, [1e-6, 1, 100])).toBe(100)
  expect(lossOf(sumOf(signal, noise), ridge(sumOf(signal, noise), 1))).toBeCloseTo(0, 6)
})

test('says so where there are no numbers', () => {
  expect(() => ridge(normalOf([[Number.NaN, 1]], [[1]]), 0.1)).toThrow(expect.objectContaining({ code: 'TP_DATA' }))
})
