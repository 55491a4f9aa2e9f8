import { constant } from '@tp/core'
import { arrayOf, choose, expectClose, rowsOf, sorted, tensorOf } from '@tp/core/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { goldenCase } from '../test/golden.ts'
import { keyDiff } from './index.ts'

test('agrees with keydiff of kvpress, which selects for each head by itself', () => {
  const { inputs, outputs } = goldenCase('kv_scorers/keydiff')
  const keys = arrayOf(inputs, 'keys')
  const [batch = 0, heads = 0, tokens = 0, size = 0] = keys.shape
  const kept = arrayOf(outputs, 'kept_ids')
  const [, , count = 0] = kept.shape
  const key = tensorOf({ ...keys, shape: [batch * heads, 1, tokens, size] })
  const choice = choose(keyDiff(), { key }, { kind: 'tokens', value: count })
  expectClose(choice.scores.flat(), arrayOf(outputs, 'score').data, 'scores')
  expect(choice.kept).toEqual(rowsOf({ ...kept, shape: [batch * heads, count] }).map(sorted))
})

test('drops none of a few keys that differ before one of many that are alike', () => {
  fc.assert(
    fc.property(fc.integer({ min: 4, max: 12 }), fc.integer({ min: 0, max: 11 }), (alike, at) => {
      const place = at % (alike + 1)
      const rows = Array.from({ length: alike + 1 }, (_, i) => (i === place ? [0, 2] : [1, 0.01 * i]))
      const key = constant(rows.flat(), 'float32', [1, 1, rows.length, 2])
      expect(choose(keyDiff(), { key }, { kind: 'tokens', value: 1 }).kept).toEqual([[place]])
    }),
    { numRuns: 30 },
  )
})
