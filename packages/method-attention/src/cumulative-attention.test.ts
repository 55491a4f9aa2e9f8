import { arrayOf, carriedOn, choose, expectClose, type GoldenArray, rowsOf, tensorOf } from '@tp/core/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { attentions, columnMeans } from '../test/attentions.ts'
import { goldenCase } from '../test/golden.ts'
import { cumulativeAttention } from './index.ts'

/** [1,H,Q,N] → [H,1,N,N]: each head for itself, the queries that are not there attend to nothing. */
function headsAsRows({ shape, data }: GoldenArray): GoldenArray {
  const [, heads = 0, queries = 0, tokens = 0] = shape
  const rows = Array.from({ length: heads }, (_, head) => {
    const probabilities = data.slice(head * queries * tokens, (head + 1) * queries * tokens)
    return [...probabilities, ...new Array<number>((tokens - queries) * tokens).fill(0)]
  })
  return { dtype: 'float32', shape: [heads, 1, tokens, tokens], data: rows.flat() }
}

/** Which of `all` [1,H,N,D] the rows of `some` [1,H,K,D] are. */
function positionsOf(some: GoldenArray, all: GoldenArray): number[][] {
  const [, heads = 0, kept = 0, size = 0] = some.shape
  const [, , tokens = 0] = all.shape
  const key = (array: GoldenArray, slot: number): string => array.data.slice(slot * size, (slot + 1) * size).join()
  return Array.from({ length: heads }, (_, head) => {
    const keys = Array.from({ length: tokens }, (_, i) => key(all, head * tokens + i))
    return Array.from({ length: kept }, (_, i) => keys.indexOf(key(some, head * kept + i)))
  })
}

describe("SpAtten's public code (a cache, each layer and head by itself, first and last tokens kept)", () => {
  test.each(['prune', 'prune-one-query', 'below-capacity'])('keeps the same tokens: %s', (name) => {
    const { inputs, outputs, params } = goldenCase(`spatten_kv/${name}`)
    const {
      start_size: start,
      important_size: important,
      recent_size: recent,
      num_coming: coming,
    } = params as Record<string, number> as {
      start_size: number
      important_size: number
      recent_size: number
      num_coming: number
    }
    for (const layer of [0, 1]) {
      const keys = arrayOf(inputs, `k_${layer}`)
      const left = arrayOf(outputs, `k_${layer}`)
      const [, , tokens = 0] = keys.shape
      const attention = tensorOf(headsAsRows(arrayOf(inputs, `attention_${layer}`)))
      const isProtected = (i: number): boolean => i < start || i >= tokens - (recent - coming)
      const protectedTokens = Array.from({ length: tokens }, (_, i) => i).filter(isProtected)
      const value = name === 'below-capacity' ? tokens : protectedTokens.length + important
      const { scores, kept } = choose(cumulativeAttention(), { attention, protectedTokens }, { kind: 'tokens', value })
      expect(kept).toEqual(positionsOf(left, keys))
      const importance = outputs[`importance_${layer}`]
      if (importance !== undefined) expectClose(scores.flat(), importance.data, `importance in layer ${layer}`)
      else expect(rowsOf(left)).toEqual(rowsOf(keys))
    }
  })
})

test('adds per layer what its tokens receive: as much as there are attended tokens', () => {
  fc.assert(
    fc.property(attentions({ heads: 2 }), ({ attention, attended }) => {
      const importance = carriedOn(cumulativeAttention(), { attention, attended }, 'importance')
      attended.forEach((marks, b) => {
        const tokens = marks.flatMap((mark, j) => (mark === 1 ? [j] : []))
        const expected = columnMeans(attention, b, tokens).map((mean) => mean * tokens.length)
        for (const j of tokens) expect(importance[b]?.[j]).toBeCloseTo(expected[j] as number, 5)
      })
    }),
    { numRuns: 30 },
  )
})
