import { describe, expect, test } from 'vitest'
import { ndcgAt, ranksOf, recallAt, reciprocalRank } from './retrieval.ts'

const relevant = [
  { rank: 1, gain: 3 },
  { rank: 3, gain: 2 },
  { rank: 11, gain: 1 },
]

describe('nDCG', () => {
  test('is the discounted gain over that of the best order', () => {
    // 3/log₂2 + 2/log₂4 = 4, of at best 3 + 2/log₂3 + 1/2
    expect(ndcgAt(10, relevant)).toBeCloseTo(4 / (3 + 2 / Math.log2(3) + 0.5), 12)
    expect(ndcgAt(11, relevant)).toBeCloseTo((4 + 1 / Math.log2(12)) / (3.5 + 2 / Math.log2(3)), 12)
  })

  test('is 1 for the best order, also where more is relevant than is looked at', () => {
    const all = [1, 2, 3].map((rank) => ({ rank, gain: 4 - rank }))
    expect(ndcgAt(10, all)).toBe(1)
    expect(ndcgAt(2, all)).toBe(1)
  })

  test('is 0 where nothing relevant is among the first', () => {
    expect(ndcgAt(10, [{ rank: 11, gain: 1 }])).toBe(0)
  })

  test('is that of pytrec_eval for judgements in three grades', () => {
    // RelevanceEvaluator({'q': {'a': 2, 'b': 1, 'c': 1, 'd': 0}}, {'ndcg_cut.3'}), run b > d > a > c
    const found = [
      { rank: 3, gain: 2 },
      { rank: 1, gain: 1 },
      { rank: 4, gain: 1 },
    ]
    expect(ndcgAt(3, found)).toBeCloseTo(2 / (2 + 1 / Math.log2(3) + 0.5), 12)
  })
})

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
