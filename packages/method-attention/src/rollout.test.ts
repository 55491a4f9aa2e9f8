import type { Tensor } from '@tp/core'
import { constantData } from '@tp/core/expression'
import { carriedOn, choose } from '@tp/core/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { attentions } from '../test/attentions.ts'
import { rollout } from './index.ts'

/** [N][N] of example `b`: half the mean over heads, half the identity. */
function halfResidual(attention: Tensor, b: number): number[][] {
  const [, heads, tokens] = attention.dims as readonly [number, number, number]
  const { data } = constantData(attention) as { data: ArrayLike<number> }
  const at = (h: number, i: number, j: number): number => data[((b * heads + h) * tokens + i) * tokens + j] as number
  return Array.from({ length: tokens }, (_, i) =>
    Array.from({ length: tokens }, (_, j) => {
      let sum = 0
      for (let h = 0; h < heads; h++) sum += at(h, i, j)
      return sum / heads / 2 + (i === j ? 0.5 : 0)
    }),
  )
}

test('after one layer, the score is the attention with the residual, by the row of the class token', () => {
  fc.assert(
    fc.property(attentions({ heads: 2 }), ({ attention, attended }) => {
      const state = carriedOn(rollout(), { attention, attended }, 'rollout')
      const { scores } = choose(rollout(), { attention, attended }, { kind: 'ratio', value: 1 })
      attended.forEach((_, b) => {
        const expected = halfResidual(attention, b)
        state[b]?.forEach((x, at) => {
          expect(x).toBeCloseTo(expected.flat()[at] as number, 6)
        })
        scores[b]?.slice(1).forEach((x, j) => {
          expect(x).toBeCloseTo(expected[0]?.[j + 1] as number, 6)
        })
      })
    }),
    { numRuns: 30 },
  )
})
