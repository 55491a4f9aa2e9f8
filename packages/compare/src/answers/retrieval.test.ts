import { textDataset } from '@tp/data/inputs'
import { expect, test } from 'vitest'
import { retrieve } from './retrieval.ts'

const angle = (degrees: number): Float64Array =>
  Float64Array.of(Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180))

test('finds documents by cosine, and judges what it finds', () => {
  const data = {
    texts: textDataset('here', []),
    queryCount: 2,
    documents: ['a', 'b', 'c', 'd'],
    relevant: [
      [{ document: 1, gain: 1 }],
      [
        { document: 0, gain: 1 },
        { document: 3, gain: 2 },
      ],
    ],
    itself: [-1, -1],
  }
  // From 0°: a, b, c, d. From 80°: c (75°), d (90°), b (30°), a (10°).
  const found = retrieve(data, [angle(0), angle(80)], [10, 30, 75, 90].map(angle))
  expect(found.top10).toEqual([
    [0, 1, 2, 3],
    [2, 3, 1, 0],
  ])
  expect(found.reciprocalRank).toEqual([1 / 2, 1 / 2])
  expect(found.ndcg10[0]).toBeCloseTo(1 / Math.log2(3), 12)
  expect(found.ndcg10[1]).toBeCloseTo((2 / Math.log2(3) + 1 / Math.log2(5)) / (2 + 1 / Math.log2(3)), 12)
  expect(found.recall100).toEqual([1, 1])
})

test('does not find a query itself among the documents', () => {
  const data = {
    texts: textDataset('here', []),
    queryCount: 1,
    documents: ['q', 'a', 'b'],
    relevant: [[{ document: 2, gain: 1 }]],
    itself: [0],
  }
  const found = retrieve(data, [angle(0)], [0, 20, 40].map(angle))
  expect(found.top10).toEqual([[1, 2]])
  expect(found.reciprocalRank).toEqual([1 / 2])
  expect(found.ndcg10[0]).toBeCloseTo(1 / Math.log2(3), 12)
})

test('finds documents by the tokens that are nearest to those of a query (MaxSim)', () => {
  const data = {
    texts: textDataset('here', []),
    queryCount: 1,
    documents: ['a', 'b'],
    relevant: [[{ document: 1, gain: 1 }]],
    itself: [-1],
  }
  const tokens = (...degrees: number[]): Float64Array => Float64Array.from(degrees.flatMap((each) => [...angle(each)]))
  // Of 0° and 90°: a has 45° for both, 2 · 0.71; b has 5° and 80°, 0.996 + 0.985, though their mean is farther.
  const found = retrieve(data, [tokens(0, 90)], [tokens(45), tokens(5, 80, 200)], 2)
  expect(found.top10).toEqual([[1, 0]])
  expect(retrieve(data, [tokens(0, 90)], [tokens(5, 80), tokens(45)], 2).top10).toEqual([[0, 1]])
})
