import { expect, test } from 'vitest'
import { agreesHardlyEver, findsByChance, followsByChance, judgmentsOfOthers } from './by-chance.ts'

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

test.each([
  ['half of them with two classes', { estimate: 50, low: 40, high: 60 }, 2, false],
  ['most of them', { estimate: 92, low: 88, high: 95 }, 2, false],
  ['few of a thousand classes', { estimate: 9, low: 5, high: 15 }, 1000, false],
  ['next to none with two classes', { estimate: 2, low: 1, high: 5 }, 2, true],
  ['none of a thousand classes', { estimate: 0, low: 0, high: 3.6 }, 1000, true],
])('doubts the labels of a dense model that is right on %s: %j of %d classes, %s', (_, accuracy, classes, doubts) => {
  const words = agreesHardlyEver({ accuracy, classes })
  if (doubts) expect(words).toMatch(/^hardly ever agrees with the labels \(.+ %\), so they cannot show a loss; check/)
  else expect(words).toBeUndefined()
})
