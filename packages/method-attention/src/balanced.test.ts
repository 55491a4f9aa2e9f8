import fc from 'fast-check'
import { expect, test } from 'vitest'
import { attentions, columnMeans } from '../test/attentions.ts'
import { choose } from '../test/one-site.ts'
import { balanced } from './index.ts'

test('lies halfway between class attention and received attention, which both add up to 1', () => {
  fc.assert(
    fc.property(attentions({ heads: 2 }), ({ attention, real }) => {
      const { scores } = choose(balanced(), { attention, real }, { kind: 'ratio', value: 1 })
      real.forEach((marks, b) => {
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
