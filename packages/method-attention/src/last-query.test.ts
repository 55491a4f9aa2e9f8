import { arrayOf, choose, expectClose, rowsOf, sorted, tensorOf } from '@tp/core/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { attentions, columnMeans } from '../test/attentions.ts'
import { goldenCase } from '../test/golden.ts'
import { lastQuery } from './index.ts'

test('agrees with TOVA of kvpress, which keeps the last token besides', () => {
  const { inputs, outputs } = goldenCase('kv_scorers/tova')
  const attention = tensorOf(arrayOf(inputs, 'attention'))
  const score = arrayOf(outputs, 'score')
  const [batch = 0, heads = 0, tokens = 0] = score.shape
  const ids = arrayOf(outputs, 'kept_ids')
  const count = ids.shape[2] ?? 0
  const site = { attention, protectedTokens: [tokens - 1] }
  const { scores, kept } = choose(lastQuery(), site, { kind: 'tokens', value: count })
  // Every head has the same scores, and the last token the largest of them.
  const rows = Array.from({ length: batch }, (_, b) =>
    Array.from(score.data).slice(b * heads * tokens, b * heads * tokens + tokens),
  )
  expectClose(
    scores.flatMap((row) => row.slice(0, -1)),
    rows.flatMap((row) => row.slice(0, -1)),
    'scores',
  )
  expect(kept).toEqual(rowsOf({ ...ids, shape: [batch, heads * count] }).map((row) => sorted(row.slice(0, count))))
})

test('the score is the mean over heads of the attention from the last real token, wherever padding stands', () => {
  fc.assert(
    fc.property(attentions({ heads: 2 }), ({ attention, attended }) => {
      const { scores } = choose(lastQuery(), { attention, attended }, { kind: 'tokens', value: 1 })
      for (const [b, row] of attended.entries()) {
        expectClose(scores[b] ?? [], columnMeans(attention, b, [row.lastIndexOf(1)]), 'scores')
      }
    }),
    { numRuns: 30 },
  )
})
