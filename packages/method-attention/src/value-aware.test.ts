import { constant } from '@tp/core'
import { choose } from '@tp/core/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { attentions } from '../test/attentions.ts'
import { receivedAttention, valueAware } from './index.ts'

const amount = { kind: 'ratio', value: 1 } as const

test('the score is received attention times the mean length of the values', () => {
  fc.assert(
    fc.property(attentions({ heads: 2 }), fc.integer({ min: 1, max: 9 }), ({ attention, attended }, seed) => {
      const [batch, heads, tokens] = attention.dims as readonly [number, number, number]
      // Values of one number: their length is its size.
      const lengths = Array.from({ length: batch * heads * tokens }, (_, i) => ((i * 7 + seed) % 5) - 2)
      const value = constant(lengths, 'float32', [batch, heads, tokens, 1])
      const plain = choose(receivedAttention(), { attention, attended }, amount).scores
      const aware = choose(valueAware(), { attention, attended, value }, amount).scores
      attended.forEach((marks, b) => {
        marks.forEach((mark, j) => {
          if (mark === 0) return
          const at = (h: number): number => Math.abs(lengths[(b * heads + h) * tokens + j] as number)
          expect(aware[b]?.[j]).toBeCloseTo(((plain[b]?.[j] as number) * (at(0) + at(1))) / 2, 6)
        })
      })
    }),
    { numRuns: 30 },
  )
})
