import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { countEntities, type Entity, entitiesOf, isBio } from './entities.ts'

/** Random tags, expected and predicted, and what seqeval 1.2.2 finds in them: type, first and last word. */
const bySeqeval: readonly (readonly [expected: string, predicted: string, labels: string, found: string])[] = [
  ['B-PER I-LOC I-LOC', 'B-PER B-LOC I-LOC', 'PER 0 0, LOC 1 2', 'PER 0 0, LOC 1 2'],
  [
    ...(['O I-LOC O B-LOC I-PER', 'O I-LOC I-LOC B-LOC I-PER'] as const),
    ...(['LOC 1 1, LOC 3 3, PER 4 4', 'LOC 1 2, LOC 3 3, PER 4 4'] as const),
  ],
  [
    'B-PER O I-PER B-LOC B-LOC O O I-LOC I-LOC O B-LOC I-LOC',
    'B-PER I-PER I-PER I-PER B-LOC O O B-LOC I-LOC O B-LOC I-PER',
    'PER 0 0, PER 2 2, LOC 3 3, LOC 4 4, LOC 7 8, LOC 10 11',
    'PER 0 3, LOC 4 4, LOC 7 8, LOC 10 10, PER 11 11',
  ],
]

describe('entities are those of seqeval', () => {
  test.each(bySeqeval)('finds the entities that seqeval finds: %s', (expected, predicted, counted, found) => {
    const asFound = (tags: string): string =>
      entitiesOf(tags.split(' '))
        .map(({ type, start, end }) => `${type} ${start} ${end - 1}`)
        .join(', ')
    expect(asFound(expected)).toEqual(counted)
    expect(asFound(predicted)).toEqual(found)
  })

  test('gives the F1 that seqeval gives', () => {
    const counts = bySeqeval.map(([expected, predicted]) => countEntities(predicted.split(' '), expected.split(' ')))
    const sum = (of: 'hits' | 'found' | 'labeled'): number => counts.reduce((total, count) => total + count[of], 0)
    expect(counts.map(({ hits }) => hits)).toEqual([2, 2, 2])
    // seqeval.metrics.f1_score of the three together
    expect((2 * sum('hits')) / (sum('found') + sum('labeled'))).toBeCloseTo(0.5714285714285714, 12)
  })
})

test('reads back the BIO tags that it writes', () => {
  const piece = fc.record({ type: fc.constantFrom(undefined, 'PER', 'LOC'), words: fc.integer({ min: 1, max: 4 }) })
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const tags: string[] = []
      const entities: Entity[] = []
      for (const { type, words } of pieces) {
        if (type !== undefined) entities.push({ type, start: tags.length, end: tags.length + words })
        for (let i = 0; i < words; i++) tags.push(type === undefined ? 'O' : `${i === 0 ? 'B' : 'I'}-${type}`)
      }
      expect(entitiesOf(tags)).toEqual(entities)
      expect(countEntities(tags, tags)).toEqual({
        hits: entities.length,
        found: entities.length,
        labeled: entities.length,
      })
    }),
  )
})

test('recognizes class names that are BIO tags', () => {
  expect(isBio(['O', 'B-PER', 'I-PER'])).toBe(true)
  expect(isBio(['I-PER', 'O'])).toBe(true)
  expect(isBio(['NOUN', 'VERB'])).toBe(false)
  expect(isBio(['O', 'E-PER'])).toBe(false)
  expect(isBio(['O'])).toBe(false)
})
