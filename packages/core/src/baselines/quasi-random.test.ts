import fc from 'fast-check'
import { expect, test } from 'vitest'
import { evaluate } from '../expression/interpreter.ts'
import type { Site } from '../method/site.ts'
import { constant } from '../ops/index.ts'
import { testMethod } from '../testing/index.ts'
import { quasiRandom } from './quasi-random.ts'

testMethod(quasiRandom())

function scores(tokens: number): number[] {
  const ordinal = constant([...Array(tokens).keys()], 'float32', [1, tokens])
  const [score] = evaluate([quasiRandom().score({ ordinal } as Site)], {})
  return Array.from(score?.data as Float32Array)
}

function best(score: readonly number[], count: number): number[] {
  const order = score.map((_, i) => i).sort((a, b) => (score[b] as number) - (score[a] as number) || a - b)
  return order.slice(0, count).sort((a, b) => a - b)
}

test('keeps tokens with gaps of at most three lengths', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 600 }), fc.double({ min: 0, max: 1, noNaN: true }), (tokens, share) => {
      const kept = best(scores(tokens), Math.max(2, Math.ceil(tokens * share)))
      const gaps = kept.slice(1).map((position, i) => position - (kept[i] as number))
      expect(new Set(gaps).size).toBeLessThanOrEqual(3)
    }),
    { seed: 1 },
  )
})

test('keeps about as many tokens of every part of an image', () => {
  // half of 14 × 14 patches: each row and column keeps seven, give or take two
  const kept = best(scores(196), 98)
  for (let line = 0; line < 14; line++) {
    for (const inLine of [(position: number) => Math.floor(position / 14), (position: number) => position % 14]) {
      const count = kept.filter((position) => inLine(position) === line).length
      expect(Math.abs(count - 7)).toBeLessThanOrEqual(2)
    }
  }
})
