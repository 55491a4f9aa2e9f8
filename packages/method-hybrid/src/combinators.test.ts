import { abs, constant, neg, scorer, sub } from '@tp/core'
import { ats } from '@tp/method-attention'
import { expect, test } from 'vitest'
import { reduceOnce } from '../test/one-site.ts'
import { withFuse, withMerge } from './index.ts'

/** Five tokens on a line; keys are directions in a plane. */
const positions = [0, 1, 2, 3, 4]
const degrees = [0, 90, 80, 10, 0]
const site = {
  hidden: constant(
    positions.map((position) => 10 * position),
    'float32',
    [1, 5, 1],
  ),
  key: constant(
    degrees.flatMap((angle) => [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)]),
    'float32',
    [1, 1, 5, 2],
  ),
  size: constant([1, 1, 3, 1, 1], 'float32', [1, 5]),
}
const first = scorer({ name: 'first', family: 'baseline', signed: true, score: ({ position }) => neg(position) })

test('withMerge merges pruned tokens into the most similar kept ones, but never into protected ones', () => {
  // 0 is protected; 0, 1 (90°) and 4 (0°) are kept; 2 (80°) is like 1, 3 (10°) like 4
  const ends = scorer({ name: 'ends', family: 'baseline', score: ({ position }) => abs(sub(position, 2.4)) })
  const [left] = reduceOnce(withMerge(ends), site, { kind: 'tokens', value: 3 })
  expect(left?.position).toEqual([0, 1, 4])
  expect(left?.hidden.flat()).toEqual([0, (10 + 3 * 20) / 4, (30 + 40) / 2])
  expect(left?.size).toEqual([1, 4, 2])
})

test('withFuse adds one token, the mean of all pruned ones', () => {
  const [left] = reduceOnce(withFuse(first), site, { kind: 'tokens', value: 2 })
  expect(left?.position).toEqual([0, 1, 2])
  expect(left?.hidden.flat()).toEqual([0, 10, (3 * 20 + 30 + 40) / 5])
  expect(left?.size).toEqual([1, 1, 5])
})

test('withFuse adds nothing where nothing is pruned', () => {
  const [left] = reduceOnce(withFuse(first), site, { kind: 'tokens', value: 5 })
  expect(left?.hidden.flat()).toEqual(positions.map((position) => 10 * position))
})

test('withFuse refuses a method that selects without a score', () => {
  const all = { ...site, query: site.key, value: site.key }
  expect(() => reduceOnce(withFuse(ats()), all, { kind: 'tokens', value: 3 })).toThrow(
    /ats chooses tokens without a score/,
  )
})
