import { constant } from '@tp/core'
import { arrayOf, choose, expectClose, tensorOf } from '@tp/core/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { goldenCase } from '../test/golden.ts'
import { lagKv } from './index.ts'

test('ranks blocks like LagKV of kvpress, which selects for each head by itself', () => {
  const { inputs, outputs, params } = goldenCase('kv_scorers/lagkv')
  const [keys, values, score] = [arrayOf(inputs, 'keys'), arrayOf(inputs, 'values'), arrayOf(outputs, 'score')]
  const [batch = 0, heads = 0, tokens = 0, size = 0] = keys.shape
  const perHead = (x: typeof keys) => tensorOf({ ...x, shape: [batch * heads, 1, tokens, size] })
  const options = { sinks: params.n_sink as number, lag: params.lag_size as number }
  const site = { key: perHead(keys), value: perHead(values) }
  const { scores } = choose(lagKv(options), site, { kind: 'tokens', value: 5 })
  // The tokens that it keeps first have score 1 there; here the last of these come before the earlier ones, and the sinks first.
  expectClose(
    scores.flat().map((x) => Math.min(x, 1)),
    score.data,
    'scores',
  )
})

test('keeps the first and the last tokens of a prompt that is shorter than two blocks', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), (tokens, kept) => {
      const numbers = Array.from({ length: tokens * 2 }, (_, i) => Math.sin(i * 7))
      const key = constant(numbers, 'float32', [1, 1, tokens, 2])
      const choice = choose(lagKv({ sinks: 2, lag: 4 }), { key, value: key }, { kind: 'tokens', value: kept })
      const all = Array.from({ length: tokens }, (_, i) => i)
      const [first, last] = [all.slice(0, Math.min(2, kept)), all.slice(2).slice(-Math.max(0, kept - 2))]
      expect(choice.kept).toEqual([kept <= 2 ? first : [...first, ...last]])
    }),
    { numRuns: 30 },
  )
})
