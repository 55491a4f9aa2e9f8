import { arrayOf, choose, expectClose, rowsOf, tensorOf } from '@tp/core/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { attentions, columnMeans } from '../test/attentions.ts'
import { goldenCase } from '../test/golden.ts'
import { snapKv } from './index.ts'

test.each([
  ['snapkv-w2-k3', { window: 2, reach: 1 }],
  ['snapkv-w4', { window: 4, reach: 2 }],
])('the score is the mean over heads of the scores of kvpress: %s', (name, options) => {
  const { inputs, outputs } = goldenCase(`kv_scorers/${name}`)
  const score = arrayOf(outputs, 'score')
  const [batch = 0, heads = 0, tokens = 0] = score.shape
  const site = { attention: tensorOf(arrayOf(inputs, 'attention')) }
  const { scores } = choose(snapKv(options), site, { kind: 'tokens', value: options.window + 1 })
  const ofHeads = rowsOf({ ...score, shape: [batch * heads, tokens] })
  const before = tokens - options.window
  for (const [b, row] of scores.entries()) {
    const own = ofHeads.slice(b * heads, (b + 1) * heads)
    const means = Array.from({ length: before }, (_, j) => own.reduce((sum, each) => sum + (each[j] ?? 0), 0) / heads)
    expectClose(row.slice(0, before), means, 'scores')
    // The window is kept first.
    expect(Math.min(...row.slice(before))).toBeGreaterThan(Math.max(...row.slice(0, before)))
  }
})

test('averages what the window attends to over real neighbors, wherever padding stands', () => {
  const cases = fc.record({
    example: attentions({ heads: 2 }),
    window: fc.integer({ min: 1, max: 5 }),
    reach: fc.integer({ min: 0, max: 3 }),
  })
  fc.assert(
    fc.property(cases, ({ example: { attention, attended }, window, reach }) => {
      const { scores } = choose(snapKv({ window, reach }), { attention, attended }, { kind: 'tokens', value: 1 })
      for (const [b, row] of attended.entries()) {
        const real = row.flatMap((isReal, j) => (isReal ? [j] : []))
        const [before, last] = [real.slice(0, -window), real.slice(-window)]
        const means = columnMeans(attention, b, last)
        const own = before.map((_, i) => {
          const near = before.slice(Math.max(0, i - reach), i + reach + 1).map((j) => means[j] as number)
          return near.reduce((sum, mean) => sum + mean, 0) / (2 * reach + 1)
        })
        expectClose(
          before.map((j) => scores[b]?.[j] as number),
          own,
          'scores',
        )
        for (const j of last) expect(scores[b]?.[j]).toBe(2)
      }
    }),
    { numRuns: 40 },
  )
})
