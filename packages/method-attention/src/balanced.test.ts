import { constant } from '@tp/core'
import { choose } from '@tp/core/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { attentions, columnMeans } from '../test/attentions.ts'
import { balanced } from './index.ts'

test('lies halfway between class attention and received attention, which both add up to 1', () => {
  fc.assert(
    fc.property(attentions({ heads: 2 }), ({ attention, attended }) => {
      const { scores } = choose(balanced(), { attention, attended }, { kind: 'ratio', value: 1 })
      attended.forEach((marks, b) => {
        const tokens = marks.flatMap((mark, j) => (mark === 1 ? [j] : []))
        const ofClass = columnMeans(attention, b, [0])
        const ofAll = columnMeans(attention, b, tokens)
        for (const j of tokens) {
          expect(scores[b]?.[j]).toBeCloseTo(((ofClass[j] as number) + (ofAll[j] as number)) / 2, 6)
        }
      })
    }),
    { numRuns: 30 },
  )
})

test('scores a token without a value 0, and keeps the order of class and received attention where values are equally long', () => {
  fc.assert(
    fc.property(attentions({ heads: 2 }), ({ attention, attended }) => {
      const [batch, heads, tokens] = attention.dims as readonly [number, number, number]
      const value = (last: number) =>
        constant(
          Array.from({ length: batch * heads * tokens }, (_, i) => (i % tokens === tokens - 1 ? last : 2)),
          'float32',
          [batch, heads, tokens, 1],
        )
      const plain = choose(balanced(), { attention, attended }, { kind: 'ratio', value: 1 }).scores
      const even = choose(
        balanced({ values: true }),
        { attention, attended, value: value(2) },
        { kind: 'ratio', value: 1 },
      ).scores
      const odd = choose(
        balanced({ values: true }),
        { attention, attended, value: value(0) },
        { kind: 'ratio', value: 1 },
      ).scores
      attended.forEach((marks, b) => {
        marks.forEach((mark, j) => {
          if (mark === 0) return
          expect(even[b]?.[j]).toBeCloseTo(2 * (plain[b]?.[j] as number), 6)
          if (j === tokens - 1) expect(odd[b]?.[j]).toBe(0)
        })
      })
    }),
    { numRuns: 30 },
  )
})
