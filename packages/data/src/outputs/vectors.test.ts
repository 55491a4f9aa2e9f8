import { expect, test } from 'vitest'
import { vectorsOf } from './vectors.ts'

test('vectors of a batch are those of the kept tokens where a model is pruned, and are numbers', () => {
  const states = { type: 'float32', dims: [1, 2, 1], data: Float32Array.of(4, 8) } as const
  const mask = { type: 'int64', dims: [1, 2], data: BigInt64Array.of(0n, 1n) } as const
  const feeds = { attention_mask: { type: 'int64', dims: [1, 3], data: BigInt64Array.of(1n, 1n, 1n) } } as const
  const outputs = { last_hidden_state: states, 'tp.mask': mask }
  expect(vectorsOf({ feeds, rows: 1, outputs })).toEqual([Float64Array.of(8)])
  const wrong = { embedding: { type: 'float32', dims: [1, 1], data: Float32Array.of(Number.NaN) } } as const
  expect(() => vectorsOf({ feeds, rows: 1, outputs: wrong })).toThrow(expect.objectContaining({ code: 'TP_OUTPUT' }))
})
