import fc from 'fast-check'
import { expect, test } from 'vitest'
import { batches } from './batches.ts'

const cases = fc.record({
  lengths: fc.array(fc.integer({ min: 1, max: 512 }), { minLength: 1, maxLength: 60 }),
  size: fc.integer({ min: 2, max: 9 }),
})

test('puts every example into one batch and makes no batch too large', () => {
  fc.assert(
    fc.property(cases, ({ lengths, size }) => {
      const divided = batches(lengths.length, { size, lengths })
      expect(divided.flat().sort((a, b) => a - b)).toEqual(lengths.map((_, i) => i))
      expect(divided.every((batch) => batch.length >= 1 && batch.length <= size)).toBe(true)
      expect(divided).toHaveLength(Math.ceil(lengths.length / size))
    }),
  )
})

test('sorts examples by falling length, so that there is least padding', () => {
  fc.assert(
    fc.property(cases, ({ lengths, size }) => {
      const order = batches(lengths.length, { size, lengths }).flat()
      expect(order.map((i) => lengths[i])).toEqual([...lengths].sort((a, b) => b - a))
    }),
  )
})

test('puts examples of one length together where they cannot be padded', () => {
  const lengths = [7, 3, 7, 7, 5, 3]
  expect(batches(6, { size: 2, lengths, padded: false })).toEqual([[0, 2], [3], [4], [1, 5]])
  expect(batches(6, { size: 9, lengths, tokens: 14, padded: false })).toEqual([[0, 2], [3], [4], [1, 5]])
})

test('makes smaller batches of long examples where tokens are limited, and never leaves one out', () => {
  fc.assert(
    fc.property(cases, fc.integer({ min: 1, max: 2000 }), ({ lengths, size }, tokens) => {
      const divided = batches(lengths.length, { size, lengths, tokens })
      expect(divided.flat().sort((a, b) => a - b)).toEqual(lengths.map((_, i) => i))
      for (const batch of divided) {
        const padded = batch.length * Math.max(...batch.map((i) => lengths[i] as number))
        expect(batch.length === 1 || padded <= tokens).toBe(true)
        expect(batch.length).toBeLessThanOrEqual(size)
      }
    }),
  )
  expect(batches(4, { size: 4, lengths: [10, 10, 10, 10], tokens: 20 })).toEqual([
    [0, 1],
    [2, 3],
  ])
})

test('counts the tokens that are computed: padding, or each text by its own length', () => {
  const lengths = [1, 4, 2, 4, 9]
  expect(batches(5, { lengths, tokens: 8 })).toEqual([[4], [1, 3], [2, 0]])
  expect(batches(5, { lengths, tokens: 8, countsPadding: false })).toEqual([[4], [1, 3], [2, 0]])
  expect(batches(5, { lengths, tokens: 11, countsPadding: false })).toEqual([[4], [1, 3, 2, 0]])
})

test('keeps the order one by one or without lengths', () => {
  expect(batches(3, { size: 1, lengths: [5, 9, 7] })).toEqual([[0], [1], [2]])
  expect(batches(5, { size: 2 })).toEqual([[0, 1], [2, 3], [4]])
})
