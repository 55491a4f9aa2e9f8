import { constant, evaluate } from '@tp/core'
import type { TensorLike } from '@tp/core/runtime'
import { choose, lists, sorted } from '@tp/core/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { samplerCase } from '../test/ats-case.ts'
import { ats, valueWeighted } from './index.ts'
import { inverseTransformSample } from './inverse-transform-sample.ts'

const cases = ['all-points', 'flat-scores', 'more-slots-than-tokens', 'second-layer-policy', 'sharp-scores-drop']

describe("the authors' sampler", () => {
  test.each(cases)('takes the same tokens: %s', (name) => {
    const { site, policy, points, kept } = samplerCase(name)
    const { scores } = choose(valueWeighted(), site, { kind: 'ratio', value: 1 })
    const hit = sample(
      scores.map((row, b) => row.map((score, token) => score * (policy[b]?.[token] as number))),
      scores.map((row) => row.map((_, token) => token > 0)),
      scores.map(() => points),
    )
    expect(hit.map((tokens) => [0, ...tokens])).toEqual(kept.map(sorted))
  })
})

/** Tokens hit, by row. */
function sample(
  scores: readonly (readonly number[])[],
  candidates: readonly (readonly boolean[])[],
  points: readonly number[],
): number[][] {
  const dims = [scores.length, scores[0]?.length ?? 0]
  const hit = inverseTransformSample(
    constant(scores.flat(), 'float32', dims),
    constant(candidates.flat().map(Number), 'bool', dims),
    constant(points),
  )
  const [array] = evaluate([hit], {}, { precision: 'float64' })
  return lists(array as TensorLike).map((row) => row.flatMap((mark, token) => (mark === 1 ? [token] : [])))
}

/** The same by the definition: every point looks for the nearest value of the distribution. */
function sampleByDefinition(scores: readonly number[], points: number): number[] {
  const order = scores.map((_, token) => token).sort((a, b) => (scores[a] as number) - (scores[b] as number))
  let sum = 0
  const sums = order.map((token) => {
    sum += scores[token] as number
    return sum
  })
  const [lowest = 0] = sums
  const cdf = sums.map((x) => (x - lowest) / (sum - lowest))
  const start = Math.min(...cdf.filter((x) => x > 0))
  const hit = Array.from({ length: points }, (_, i) => {
    const point = points === 1 ? 1 : start + ((1 - start) * i) / (points - 1)
    const distances = cdf.map((x) => Math.abs(x - point))
    return order[distances.indexOf(Math.min(...distances))] as number
  })
  return sorted([...new Set(hit)])
}

test('takes the nearest candidates, even where rows differ in points and candidates', () => {
  // Scores whose sums differ enough that no point lies halfway between two.
  const row = fc.record({
    scores: fc.uniqueArray(fc.double({ min: 0.01, max: 1, noNaN: true }), { minLength: 2, maxLength: 9 }),
    points: fc.integer({ min: 1, max: 12 }),
  })
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 3 }), (rows) => {
      const width = Math.max(...rows.map(({ scores }) => scores.length)) + 2
      // not a candidate: the first, and what fills the row up; their scores must not matter
      const padded = rows.map(({ scores }) => [7, ...scores, ...new Array<number>(width - scores.length - 1).fill(3)])
      const candidates = rows.map(({ scores }) => padded[0]?.map((_, i) => i > 0 && i <= scores.length) ?? [])
      const expected = rows.map(({ scores, points }) =>
        sampleByDefinition(scores.map(Math.fround), points).map((i) => i + 1),
      )
      expect(
        sample(
          padded,
          candidates,
          rows.map(({ points }) => points),
        ),
      ).toEqual(expected)
    }),
    { numRuns: 200 },
  )
})

test('refuses a missing number of points', () => {
  const { site } = samplerCase('flat-scores')
  expect(() => choose(ats(), site, { kind: 'threshold', value: 0.1 })).toThrow(/give keep, tokens or remove/)
})
