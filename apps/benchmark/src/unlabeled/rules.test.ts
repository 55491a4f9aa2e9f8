import { expect, test } from 'vitest'
import type { HiddenLabels } from './hidden-labels.ts'
import { trueLosses, tryRules } from './rules.ts'

const EXAMPLES = 400

/** A model of two classes, which is undecided on every tenth example and sure of the others, all of class 1. */
const logitsOf = (i: number): readonly [number, number] => (i % 10 === 0 ? [0, 0.01] : [0, 6])
const hidden: HiddenLabels = {
  subject: 'mail',
  dense: { logits: Float32Array.from(Array.from({ length: EXAMPLES }, (_, i) => logitsOf(i)).flat()), classes: 2 },
  targets: Array.from({ length: EXAMPLES }, (_, i) => Number(i % 20 !== 0)),
  settings: [
    { speedup: 1.2, answers: Array(EXAMPLES).fill(1) },
    { speedup: 2, answers: Array.from({ length: EXAMPLES }, (_, i) => Number(i % 10 !== 0)) },
    { speedup: 9, answers: Array.from({ length: EXAMPLES }, (_, i) => Number(i % 2 !== 0)) },
  ],
}

test('takes changes of doubtful answers for a small loss by probabilities, and for a large one by their number', () => {
  const [none = 0, doubtful = 0, many = 0] = trueLosses(hidden)
  expect([none, doubtful < 0.1, many > 30]).toEqual([0, true, true])
  const found = tryRules(hidden, [1])
  expect(found.expected).toEqual([{ speed: 1, wrong: 0 }])
  expect(found['calibrated by labels']).toEqual([{ speed: 1, wrong: 0 }])
  for (const rule of ['half of the answers changed', 'the larger of both', 'answers changed'] as const)
    expect(found[rule]).toEqual([{ speed: 0.6, wrong: 0 }])
})
