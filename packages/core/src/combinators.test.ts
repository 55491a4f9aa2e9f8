import { expect, test } from 'vitest'
import { random, truncate } from './baselines/index.ts'
import { byBlock, weighted } from './combinators.ts'
import { mean, neg } from './ops/index.ts'
import { scorer } from './scorer.ts'
import { testMethod } from './testing/index.ts'

const cls = scorer({ name: 'cls', family: 'attention', score: (site) => mean(site.clsAttention, 1) })
const received = scorer({ name: 'received', family: 'attention', score: (site) => site.received })
const early = scorer({ name: 'early', family: 'baseline', signed: true, score: (site) => neg(site.position) })

testMethod(
  weighted('half-half', [
    [cls, 0.5],
    [received, 0.5],
  ]),
)
testMethod(byBlock('cls-then-random', (block) => (block < 2 ? cls : random())))
testMethod(byBlock('truncate-then-received', (block) => (block < 1 ? truncate() : received)))

test('a sum is signed if a part or a weight may make it negative', () => {
  expect(weighted('a', [[cls, 1]]).signed).toBe(false)
  expect(weighted('b', [[cls, -1]]).signed).toBe(true)
  expect(
    weighted('c', [
      [cls, 1],
      [early, 1],
    ]).signed,
  ).toBe(true)
})

test('weights that are no numbers and empty sums are refused', () => {
  expect(() => weighted('d', [])).toThrow(expect.objectContaining({ code: 'TP_OPTION' }))
  expect(() => weighted('e', [[cls, Number.NaN]])).toThrow(expect.objectContaining({ code: 'TP_OPTION' }))
})
