import { expect, test } from 'vitest'
import { ranksOf, recallAt, reciprocalRank } from './retrieval.ts'

const relevant = [
  { rank: 1, gain: 3 },
  { rank: 3, gain: 2 },
  { rank: 11, gain: 1 },
]

test('recall is the share of the relevant documents among the first', () => {
  expect(recallAt(100, relevant)).toBe(1)
  expect(recallAt(3, relevant)).toBeCloseTo(2 / 3, 12)
})

test('the reciprocal rank is that of the first relevant document, wherever it is', () => {
  expect(reciprocalRank(relevant)).toBe(1)
  expect(reciprocalRank([{ rank: 40, gain: 1 }])).toBe(1 / 40)
})

test('ranks are by similarity, and of equals the later name is first', () => {
  const names = ['a', 'b', 'c', 'd']
  expect(ranksOf([0.5, 0.9, 0.5, 0.1], names, [0, 1, 2, 3])).toEqual([3, 1, 2, 4])
})
