import { expect, test } from 'vitest'
import { type Answer, answersIn, shareOfLargest, type TrialRun } from './answers.ts'
import type { Arrangement } from './trials.ts'

const tensor = (...data: readonly number[]) => ({ type: 'float32', dims: [data.length], data: Float32Array.from(data) })
const answer = (example: number, ...logits: readonly number[]): Answer => ({
  arrangement: 'alone',
  example,
  outputs: { logits: tensor(...logits) },
})

test('measures an output that happens to be near 0 by the size that it has in another example', () => {
  const distance = shareOfLargest([answer(0, 3, -4), answer(1, 0.03, 0.04)])
  expect(distance(tensor(0.06, 0.04), tensor(0.03, 0.04), 'logits')).toBeCloseTo(0.03 / 5)
  expect(distance(tensor(3, -3.5), tensor(3, -4), 'logits')).toBeCloseTo(0.1)
  expect(distance(undefined, tensor(3, -4), 'logits')).toBe(Number.POSITIVE_INFINITY)
})

test('gives each example all of its sequences, where it has several', () => {
  const scores = (...rows: readonly number[]) => ({
    type: 'float32',
    dims: [rows.length, 1],
    data: Float32Array.from(rows),
  })
  const run = (arrangement: Arrangement, examples: readonly number[], ...rows: readonly number[]): TrialRun => ({
    trial: {
      arrangement,
      inputs: { values: { type: 'float32', dims: [examples.length, 4], data: new Float32Array(4 * examples.length) } },
      examples: examples.map((example) => ({ example, start: 0 })),
    },
    outputs: { scores: scores(...rows), shared: scores(7, 8) },
  })
  const answers = answersIn([run('alone', [0], 1, 2), run('alone', [1], 3, 4), run('in a batch', [0, 1], 1, 2, 3, 4)])
  expect(answers.map(({ outputs }) => Array.from(outputs.scores?.data as Float32Array))).toEqual([
    ...[
      [1, 2],
      [3, 4],
    ],
    ...[
      [1, 2],
      [3, 4],
    ],
  ])
  expect(answers.every(({ outputs }) => outputs.shared?.data.length === 2)).toBe(true)
})
