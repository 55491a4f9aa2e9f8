import { expect, test } from 'vitest'
import { distinctExamples } from './distinct-examples.ts'
import type { ModelInputs } from './model-inputs.ts'
import { someExamples } from './some-examples.ts'

test('takes some examples in another order', async () => {
  const inputs: ModelInputs = {
    source: 'four',
    targets: [0, 1, 0, 1],
    lengths: [3, 4, 5, 6],
    preparationMs: undefined,
    notes: [],
    feeds: async (rows) => ({ x: { type: 'float32', dims: [rows.length], data: Float32Array.from(rows) } }),
  }
  const some = someExamples(inputs, [3, 0])
  expect([some.targets, some.lengths]).toEqual([
    [1, 0],
    [6, 3],
  ])
  expect((await some.feeds([1, 0])).x?.data).toEqual(Float32Array.of(0, 3))
})

test('takes each text once for each of its classes', async () => {
  const inputs: ModelInputs = {
    source: 'six',
    targets: [0, 1, 0, 1, 0, 0],
    lengths: [3, 4, 3, 4, 5, 4],
    keys: [7, 8, 7, 8, 7, 8],
    preparationMs: undefined,
    notes: [],
    feeds: async () => ({}),
  }
  const distinct = await distinctExamples(inputs)
  expect([distinct.targets, distinct.lengths, distinct.keys]).toEqual([
    [0, 1, 0, 0],
    [3, 4, 5, 4],
    [7, 8, 7, 8],
  ])
  // Nothing is known of examples without keys, and candidates belong to their queries.
  expect((await distinctExamples({ ...inputs, keys: undefined })).targets).toHaveLength(6)
})
