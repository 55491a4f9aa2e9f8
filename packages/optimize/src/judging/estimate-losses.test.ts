import type { ModelInputs } from '@tp/data/inputs'
import { expect, test } from 'vitest'
import type { Answers } from './answers.ts'
import { lossesWith } from './cascades.ts'

const answers = (...numbers: number[]): Answers => ({ logits: Float32Array.from(numbers), classes: 1 })

test('estimated numbers lose the correlation with the dense ones, all of it at most', () => {
  const inputs: ModelInputs = {
    ...{ source: 'texts', targets: [-1, -1, -1], lengths: undefined, preparationMs: undefined, notes: [] },
    ...{ estimates: {}, feeds: async () => ({}) },
  }
  const dense = answers(-2, 0, 2)
  expect(lossesWith(dense, dense, inputs)).toMatchObject({ expected: [0, 0, 0], graded: true })
  // The deviation of the dense numbers is 2: one off by 1 loses (1 / 2)² / 2.
  expect(lossesWith(dense, answers(-2, 1, 2), inputs).expected).toEqual([0, 12.5, 0])
  expect(lossesWith(dense, answers(40, 0, 2), inputs).expected).toEqual([100, 0, 0])
})
