import { expect, test } from 'vitest'
import { findsByChance, followsByChance, judgmentsOfOthers } from './by-chance.ts'

const scores = Array.from({ length: 60 }, (_, i) => (7 * i) % 60)

test('cosines follow scores by chance where these run backwards, or have nothing to do with them', () => {
  const near = scores.map((score, i) => score / 60 + 0.3 * Math.sin(i))
  expect(followsByChance(near, scores)).toBeUndefined()
  expect(
    followsByChance(
      near,
      scores.map((score) => -score),
    ),
  ).toMatch(/^follows the scores no better than by chance \(Spearman's correlation −\d/)
  expect(
    followsByChance(
      scores.map((_, i) => Math.sin(5 * i)),
      scores,
    ),
  ).toMatch(/no better than by chance/)
})

test('a search finds by chance if the documents of other queries are found as well', () => {
  const relevant = Array.from({ length: 5 }, (_, document) => [{ document, gain: 1 }])
  expect(judgmentsOfOthers({ relevant }).map(([one]) => one?.document)).toEqual([2, 3, 4, 0, 1])
  const found = scores.map((score) => (score % 3 === 0 ? 0 : 1))
  expect(
    findsByChance(
      found,
      scores.map(() => 0.1),
    ),
  ).toBeUndefined()
  expect(findsByChance(found, found.toReversed())).toMatch(/^finds what is relevant no better than by chance/)
})
