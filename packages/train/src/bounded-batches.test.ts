import fc from 'fast-check'
import { expect, test } from 'vitest'
import { boundedBatches, fittingForward, fittingPass } from './bounded-batches.ts'

test('takes every example once, and long ones in smaller batches', () => {
  const length = fc.integer({ min: 1, max: 2048 })
  fc.assert(
    fc.property(fc.array(length, { maxLength: 40 }), fc.integer({ min: 1, max: 20 }), (lengths, size) => {
      const made = boundedBatches({ targets: lengths.map(() => 0), lengths }, size, fittingForward)
      expect(made.flat().toSorted((a, b) => a - b)).toEqual(lengths.map((_, i) => i))
      for (const rows of made) {
        const pairs = rows.length * Math.max(...rows.map((row) => lengths[row] as number)) ** 2
        expect(rows.length <= size && (rows.length === 1 || pairs <= 2 * 512 ** 2)).toBe(true)
      }
    }),
  )
})

test('keeps the batches of short examples, and of those of one length', () => {
  const targets = [0, 0, 0]
  expect(boundedBatches({ targets, lengths: [10, 30, 20] }, 2, fittingForward)).toEqual([[1, 2], [0]])
  expect(boundedBatches({ targets, lengths: undefined }, 2, fittingForward)).toEqual([[0, 1], [2]])
})

test.each([
  [2048, 1],
  [512, 1],
  [300, 2],
  [256, 4],
  [128, 8],
  [32, 32],
])('examples of %d tokens go through a backward pass %d at once', (longest, count) => {
  expect(fittingPass(longest)).toBe(count)
})
