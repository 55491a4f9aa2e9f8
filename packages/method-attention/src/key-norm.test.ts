import { constant } from '@tp/core'
import { arrayOf, choose, expectClose, rowsOf, sorted, tensorOf } from '@tp/core/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { goldenCase } from '../test/golden.ts'
import { keyNorm } from './index.ts'

test('agrees with knorm of kvpress, which selects for each head by itself', () => {
  const { inputs, outputs } = goldenCase('kv_scorers/knorm')
  const keys = arrayOf(inputs, 'keys')
  const [batch = 0, heads = 0, tokens = 0, size = 0] = keys.shape
  const kept = arrayOf(outputs, 'kept_ids')
  const [, , count = 0] = kept.shape
  const key = tensorOf({ ...keys, shape: [batch * heads, 1, tokens, size] })
  const choice = choose(keyNorm(), { key }, { kind: 'tokens', value: count })
  expectClose(choice.scores.flat(), arrayOf(outputs, 'score').data, 'scores')
  expect(choice.kept).toEqual(rowsOf({ ...kept, shape: [batch * heads, count] }).map(sorted))
})

test('never prefers a larger key to a smaller one', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 1, max: 1000 }), { minLength: 2, maxLength: 10 }),
      fc.double({ min: 0.1, max: 1, noNaN: true }),
      (norms, value) => {
        // one head, keys along an axis: the norm is the number itself
        const key = constant(
          norms.flatMap((norm, i) => (i % 2 === 0 ? [norm, 0] : [0, -norm])),
          'float32',
          [1, 1, norms.length, 2],
        )
        const { kept } = choose(keyNorm(), { key }, { kind: 'ratio', value })
        const isKept = (i: number): boolean => kept[0]?.includes(i) === true
        const largestKept = Math.max(...norms.filter((_, i) => isKept(i)))
        const smallestGone = Math.min(...norms.filter((_, i) => !isKept(i)))
        expect(largestKept).toBeLessThan(smallestGone)
      },
    ),
    { numRuns: 50 },
  )
})

test('reverses the order where large keys are kept, and a share of its scores has a meaning then', () => {
  const key = constant([3, 1, 4, 2], 'float32', [1, 1, 4, 1])
  expect(choose(keyNorm({ keep: 'large' }), { key }, { kind: 'tokens', value: 2 }).kept).toEqual([[0, 2]])
  expect(choose(keyNorm({ keep: 'large' }), { key }, { kind: 'mass', value: 0.35 }).kept).toEqual([[2]])
})

test('refuses mass, as a share of negative scores has no meaning', () => {
  const key = constant([1, 2], 'float32', [1, 1, 2, 1])
  expect(() => choose(keyNorm(), { key }, { kind: 'mass', value: 0.9 })).toThrow(/a share of their sum means nothing/)
})
