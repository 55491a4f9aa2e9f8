import { constant } from '@tp/core'
import { choose, expectClose } from '@tp/core/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { samplerCase } from '../test/ats-case.ts'
import { valueWeighted } from './index.ts'

describe("ATS's significance score", () => {
  test.each(['all-points', 'flat-scores', 'more-slots-than-tokens', 'second-layer-policy', 'sharp-scores-drop'])(
    'scores as the authors’ code does: %s',
    (name) => {
      const { site, sortedScores, sortedTokens } = samplerCase(name)
      const { scores } = choose(valueWeighted(), site, { kind: 'ratio', value: 1 })
      sortedTokens.forEach((tokens, row) => {
        expectClose(
          tokens.map((token) => scores[row]?.[token] as number),
          sortedScores[row] ?? [],
          `row ${row}`,
        )
      })
    },
  )
})

test('counts a value twice as long double', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 3, maxLength: 8 }),
      fc.integer({ min: 1, max: 7 }),
      (weights, position) => {
        const tokens = weights.length
        const token = 1 + (position % (tokens - 1))
        const total = weights.reduce((a, b) => a + b, 0)
        const row = weights.map((weight) => weight / total)
        const attention = constant(new Array<number[]>(tokens).fill(row).flat(), 'float32', [1, 1, tokens, tokens])
        const scoresFor = (lengths: readonly number[]): number[] => {
          const value = constant(
            lengths.flatMap((length) => [0, length]),
            'float32',
            [1, 1, tokens, 2],
          )
          return (
            choose(valueWeighted(), { attention, value, protectedTokens: [0] }, { kind: 'ratio', value: 1 })
              .scores[0] ?? []
          )
        }
        const before = scoresFor(weights.map(() => 1))
        const after = scoresFor(weights.map((_, i) => (i === token ? 2 : 1)))
        for (let other = 1; other < tokens; other++) {
          const ratio = (scores: readonly number[]): number => (scores[token] as number) / (scores[other] as number)
          expect(ratio(after) / ratio(before)).toBeCloseTo(other === token ? 1 : 2, 5)
        }
      },
    ),
    { numRuns: 30 },
  )
})
