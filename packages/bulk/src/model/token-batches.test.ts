import fc from 'fast-check'
import { expect, test } from 'vitest'
import { tokenBatches } from './token-batches.ts'

const lengths = fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 40 })
const padding = (batch: readonly number[], all: readonly number[]): number[] =>
  batch.map((position) => all[position] as number)

test('holds every text once, and no batch has more tokens than allowed, padding counted where it is computed', () => {
  const check = fc.property(lengths, fc.boolean(), fc.boolean(), (all, padded, mixed) => {
    const batches = tokenBatches(all, { tokens: 60, padded, mixed, size: undefined })
    expect(batches.flat().sort((a, b) => a - b)).toEqual([...all.keys()])
    for (const batch of batches) {
      const own = padding(batch, all)
      const computed = padded ? Math.max(...own) * own.length : own.reduce((sum, length) => sum + length, 0)
      expect(computed <= 60 || own.length === 1).toBe(true)
      if (!mixed) expect(new Set(own).size).toBe(1)
    }
  })
  fc.assert(check, { numRuns: 200 })
})

test('puts texts of similar length together, the longest first', () => {
  const options = { tokens: 8, padded: true, mixed: true, size: undefined }
  expect(tokenBatches([1, 4, 2, 4, 9], options)).toEqual([[4], [1, 3], [2, 0]])
})

test('fills the fixed batches of a model', () => {
  const options = { tokens: 1, padded: true, mixed: true, size: 2 }
  expect(tokenBatches([5, 6, 7], options)).toEqual([[2, 1], [0]])
})
