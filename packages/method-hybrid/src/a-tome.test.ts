import { constant } from '@tp/core'
import { choose, testMethod } from '@tp/core/testing'
import fc from 'fast-check'
import { run } from 'method-tests'
import { expect, test } from 'vitest'
import { aTome } from './index.ts'

testMethod(aTome({ runs: true }), { run })

/** Tokens whose keys point to so many degrees, merged where neighbors are nearer than 5 degrees. */
function merged(degrees: readonly number[], others: { protectedTokens?: number[]; attended?: number[][] } = {}) {
  const radians = degrees.map((angle) => (angle * Math.PI) / 180)
  const key = constant(
    radians.flatMap((angle) => [Math.cos(angle), Math.sin(angle)]),
    'float32',
    [1, 1, degrees.length, 2],
  )
  const hidden = constant(
    degrees.map((_, i) => i),
    'float32',
    [1, degrees.length, 1],
  )
  const amount = { kind: 'threshold', value: 1 - Math.cos((5 * Math.PI) / 180) } as const
  const { kept, sizes, states } = choose(aTome({ runs: true }), { hidden, key, ...others }, amount)
  return { kept: kept[0], sizes: sizes[0], states: states[0]?.flat() }
}

test('a run of neighbors that are alike becomes one token, their mean', () => {
  expect(merged([0, 2, 4, 50, 52, 90])).toEqual({ kept: [0, 3, 5], sizes: [3, 2, 1], states: [1, 3.5, 5] })
})

test('a run does not go through a protected token, and padding is in none', () => {
  expect(merged([0, 1, 2, 3, 4], { protectedTokens: [2] })).toMatchObject({ kept: [0, 2, 3], sizes: [2, 1, 2] })
  expect(merged([0, 1, 2, 3, 4], { attended: [[1, 1, 1, 0, 0]] })).toMatchObject({ kept: [0], sizes: [3] })
})

test('runs are those that a loop finds, and sizes add up to all tokens', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 30 }), (steps) => {
      const degrees = steps.map((_, i) => steps.slice(0, i + 1).reduce((sum, step) => sum + (step % 11), 0))
      const starts = degrees.flatMap((angle, i) => (i === 0 || angle - (degrees[i - 1] as number) >= 5.5 ? [i] : []))
      const unsure = degrees.some((angle, i) => i > 0 && angle - (degrees[i - 1] as number) === 5)
      fc.pre(!unsure)
      const { kept, sizes = [] } = merged(degrees)
      expect(kept).toEqual(starts)
      expect(sizes.reduce((a, b) => a + b, 0)).toBe(degrees.length)
    }),
  )
})
