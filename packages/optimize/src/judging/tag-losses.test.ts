import type { TaggedInputs } from '@tp/data'
import { IGNORED, UNLABELED } from '@tp/data/inputs'
import { mean } from '@tp/metrics'
import { expect, test } from 'vitest'
import type { Answers } from './answers.ts'
import { lossOf } from './loss.ts'
import { joinedTagLosses, tagLosses } from './tag-losses.ts'

/** Sentences of 20 words, of which the first is a name (1) in every second sentence; all others are O (0). */
const TAGS = Array.from({ length: 200 }, (_, i) =>
  Int32Array.from({ length: 20 }, (_, word) => +(word === 0 && i % 2 === 0)),
)

function inputsOf(tags: readonly Int32Array[]): TaggedInputs {
  const judged = tags.map((sentence) => Int32Array.from([IGNORED, ...sentence, IGNORED]))
  return { tags: judged, targets: tags.map(() => UNLABELED), source: 'test' } as unknown as TaggedInputs
}

function answersOf(tags: readonly Int32Array[]): Answers {
  return { logits: Float32Array.from(tags.flatMap((sentence) => [...sentence])), classes: 1 }
}

const nothing = TAGS.map((sentence) => sentence.map(() => 0))
const unknown = inputsOf(TAGS.map((sentence) => sentence.map(() => UNLABELED)))

test('sees that a model no longer finds anything, though it agrees on 97.5 % of the words', () => {
  const losses = tagLosses(answersOf(TAGS), answersOf(nothing), unknown)
  expect(mean(losses.expected)).toBeCloseTo(50)
  expect(losses.labeled).toBeUndefined()
  expect(lossOf(losses).expected.estimate).toBeCloseTo(50)
})

test('loses nothing where all tags are the same, and where neither model tags anything', () => {
  for (const tags of [TAGS, nothing]) {
    const losses = tagLosses(answersOf(tags), answersOf(tags), unknown)
    expect(Math.max(...losses.expected)).toBe(0)
    expect(lossOf(losses).expected.estimate).toBe(0)
  }
})

test("expects to lose what the dense model's probabilities say, where they are calibrated by labels", () => {
  // The dense model gives names a probability of 0.6; the other model finds all but those of every tenth sentence.
  const logits = Float32Array.from(
    TAGS.flatMap((tags) => [...tags].flatMap((tag) => (tag === 1 ? [Math.log(0.4), Math.log(0.6)] : [0, -30]))),
  )
  const dense = { ...answersOf(TAGS), tagLogits: { logits, classes: 2 } }
  const missing = TAGS.map((sentence, i) => (i % 10 === 0 ? sentence.map(() => 0) : sentence))
  const losses = tagLosses(dense, answersOf(missing), inputsOf(TAGS))
  // 60 of 100 names are expected to be right, 48 of the 80 that the other one finds.
  expect(mean(losses.expected)).toBeCloseTo(100 * ((2 * 60) / 160 - (2 * 48) / 140), 3)
  expect(lossOf(losses).expected.estimate).toBeCloseTo(mean(losses.expected), 6)
  // Without labels that may be too little: half of the difference to the dense model's tags counts, if it is more.
  const sure = { ...dense, tagLogits: { logits: logits.map((logit) => 50 * logit), classes: 2 } }
  expect(mean(tagLosses(sure, answersOf(TAGS), unknown).expected)).toBe(0)
  const doubtful = { ...dense, tagLogits: { logits: logits.map((logit) => logit / 50), classes: 2 } }
  expect(mean(tagLosses(doubtful, answersOf(missing), unknown).expected)).toBeCloseTo(50 * (1 - 160 / 180))
})

test('measures the difference in F1 by labels, over all parts together', () => {
  // The dense model finds all; the other one misses those of every tenth sentence.
  const missing = TAGS.map((sentence, i) => (i % 10 === 0 ? sentence.map(() => 0) : sentence))
  const half = (tags: readonly Int32Array[], part: number): Int32Array[] =>
    tags.filter((_, i) => i % 4 < 2 === (part === 0))
  const parts = [0, 1].map((part) =>
    tagLosses(answersOf(half(TAGS, part)), answersOf(half(missing, part)), inputsOf(half(TAGS, part))),
  )
  const losses = joinedTagLosses(parts.flatMap(({ tags }) => tags ?? []))
  // 100 names, 80 of them found: F1 is 2 · 80 / 180.
  expect(mean(losses.labeled ?? [])).toBeCloseTo(100 * (1 - 160 / 180))
  expect(lossOf(losses).labeled?.estimate).toBeCloseTo(100 * (1 - 160 / 180))
  expect(losses.expected).toHaveLength(TAGS.length)
})
