import { constant, evaluate, input, type Site, withValues } from '@tp/core'
import { randomNumbers } from '@tp/core/statistics'
import { testMethod } from '@tp/core/testing'
import { run } from 'method-tests'
import { expect, test } from 'vitest'
import { lens } from './index.ts'

const size = 16
const random = randomNumbers(3)
const numbers = (count: number): number[] => Array.from({ length: count }, () => random() - 0.5)
const fitted = {
  map: constant(numbers(size * size), 'float32', [size, size]),
  bias: constant(numbers(size)),
  residual: constant(numbers(size)),
  residualBias: constant(0.3),
}

testMethod(
  withValues(lens(), () => fitted),
  { run },
)

test('keeps the tokens whose final states are expected to be farthest from the predicted ones, and predicts all', () => {
  const param = {
    map: constant([0, 1, 2, 0], 'float32', [2, 2]),
    bias: constant([10, 20]),
    residual: constant([1, -1]),
    residualBias: constant(0.5),
  }
  let requested: readonly number[] = []
  const site = {
    hidden: input('hidden', 'float32', ['B', 'N', 2]),
    attended: input('attended', 'bool', ['B', 'N']),
    param,
    budget: {
      select(score: Parameters<NonNullable<Site['budget']>['select']>[0]) {
        requested = Array.from(evaluate([score], feeds)[0]?.data ?? [], Number)
        return site.attended
      },
    },
  }
  const feeds = {
    hidden: { type: 'float32', dims: [1, 3, 2], data: Float32Array.of(1, 0, 0, 1, 2, 2) },
    attended: { type: 'bool', dims: [1, 3], data: Uint8Array.of(1, 1, 1) },
  } as const
  const { final } = lens().reduce(site as unknown as Site)
  expect(requested.map((x) => Math.log(x))).toEqual([1.5, -0.5, 0.5].map((x) => expect.closeTo(x, 5)))
  expect(final && [...(evaluate([final], feeds)[0]?.data ?? [])]).toEqual([10, 21, 12, 20, 14, 22])
})
