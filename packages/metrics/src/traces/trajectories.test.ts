import type { NamedTensors } from '@tp/core/runtime'
import { expect, test } from 'vitest'
import { trajectoriesOf } from './trajectories.ts'

/** Two examples of 4 and 3 tokens; at layer 1 two tokens of the first are pruned, at layer 3 one more of the first and one of the second. */
const outputs: NamedTensors = {
  logits: { type: 'float32', dims: [2, 2], data: new Float32Array(4) },
  'tp.trace.1.indices': { type: 'int64', dims: [2, 3], data: BigInt64Array.from([0n, 2n, 3n, 0n, 1n, 3n]) },
  'tp.trace.1.valid': { type: 'bool', dims: [2, 3], data: Uint8Array.from([1, 1, 1, 1, 1, 0]) },
  'tp.trace.1.scores': { type: 'float32', dims: [2, 4], data: Float32Array.from([4, 1, 2, 3, 4, 3, 2, 0]) },
  'tp.trace.3.indices': { type: 'int64', dims: [2, 2], data: BigInt64Array.from([0n, 3n, 0n, 1n]) },
  'tp.trace.3.valid': { type: 'bool', dims: [2, 2], data: Uint8Array.from([1, 1, 1, 1]) },
  'tp.trace.3.scores': { type: 'float32', dims: [2, 3], data: Float32Array.from([9, 5, 6, 8, 7, 0]) },
}

test('records where each token is pruned, and its scores at the layers that it reached', () => {
  const [first, second] = trajectoriesOf(outputs, [4, 3])
  const way = (position: number, prunedAt: number | undefined, scores: [number, number][]) => ({
    position,
    prunedAt,
    scores: new Map(scores),
  })
  const both = (one: number, three: number): [number, number][] => [
    [1, one],
    [3, three],
  ]
  expect(first).toEqual([
    way(0, undefined, both(4, 9)),
    way(1, 1, [[1, 1]]),
    way(2, 3, both(2, 5)),
    way(3, undefined, both(3, 6)),
  ])
  expect(second).toEqual([way(0, undefined, both(4, 8)), way(1, undefined, both(3, 7)), way(2, 1, [[1, 2]])])
})

test('has no scores without traces of them, and counts restored tokens where they are pruned for good', () => {
  const { 'tp.trace.1.scores': _, 'tp.trace.3.scores': __, ...unscored } = outputs
  const back: NamedTensors = {
    ...unscored,
    'tp.trace.3.indices': { type: 'int64', dims: [2, 2], data: BigInt64Array.from([0n, 1n, 1n, 2n]) },
  }
  const ways = trajectoriesOf(back, [4, 3]).map((tokens) => tokens.map(({ prunedAt }) => prunedAt))
  expect(ways).toEqual([
    [undefined, undefined, 3, 3],
    [3, undefined, undefined],
  ])
  expect(trajectoriesOf(back, [1])[0]?.[0]?.scores.size).toBe(0)
})

test('keeps each token at its position under methods that restore all tokens', () => {
  const returning: NamedTensors = {
    ...outputs,
    'tp.trace.3.scores': { type: 'float32', dims: [2, 4], data: Float32Array.from([9, 8, 7, 6, 5, 4, 3, 2]) },
  }
  const [first] = trajectoriesOf(returning, [4, 3])
  expect(first?.map(({ scores }) => scores.get(3))).toEqual([9, 8, 7, 6])
})
