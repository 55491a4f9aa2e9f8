import type { ModelInputs } from '@tp/data/inputs'
import { expect, test } from 'vitest'
import { type Split, splitOf } from './split.ts'

function inputsOf(targets: readonly number[]): ModelInputs {
  const feeds = async (rows: readonly number[]) => ({
    rows: { type: 'int32' as const, dims: [rows.length], data: Int32Array.from(rows) },
  })
  return { source: 'examples', targets, lengths: undefined, preparationMs: undefined, notes: [], feeds }
}

/** A division with a part that no choice has seen. */
function splitToVerify(targets: readonly number[]): Required<Split> {
  return splitOf(inputsOf(targets), 1) as Required<Split>
}

const counts = (targets: readonly number[]): number[] =>
  [...new Set(targets)].sort((a, b) => a - b).map((target) => targets.filter((other) => other === target).length)

test('gives each part every class in proportion if classes alternate, as in folders', () => {
  const { look, choose, verify } = splitToVerify(Array.from({ length: 100 }, (_, i) => i % 10))
  expect(counts(look.targets)).toEqual(Array(10).fill(2))
  expect(counts(choose.targets)).toEqual(Array(10).fill(4))
  expect(counts(verify.targets)).toEqual(Array(10).fill(4))
})

test('gives each part every class in proportion if classes are sorted, and if parts are limited', () => {
  const { look, choose, verify } = splitToVerify(Array.from({ length: 10_000 }, (_, i) => Math.floor(i / 2500)))
  expect(counts(look.targets).map((count) => Math.abs(count - 150 / 4) < 1)).toEqual(Array(4).fill(true))
  expect(counts(choose.targets)).toEqual(Array(4).fill(250))
  expect(counts(verify.targets)).toEqual(Array(4).fill(250))
})

test('puts no example into two parts', async () => {
  const { look, choose, verify } = splitToVerify(Array.from({ length: 200 }, (_, i) => i % 3))
  const seen = await Promise.all(
    [look, choose, verify].map(async ({ targets, feeds }) => {
      const { rows } = await feeds([...targets.keys()])
      return Array.from((rows?.data ?? []) as Int32Array)
    }),
  )
  expect(seen.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, i) => i))
})

test('chooses by all examples, up to 2,000, where nothing is to be verified', () => {
  const { look, choose, verify } = splitOf(inputsOf(Array.from({ length: 100 }, (_, i) => i % 10)))
  expect(verify).toBeUndefined()
  expect(counts(look.targets)).toEqual(Array(10).fill(2))
  expect(counts(choose.targets)).toEqual(Array(10).fill(10))
  expect(splitOf(inputsOf(Array(3000).fill(0))).choose.targets).toHaveLength(2000)
})

test('refuses too few examples', () => {
  expect(() => splitOf(inputsOf(Array(59).fill(0)))).toThrow('59 examples are too few')
})
