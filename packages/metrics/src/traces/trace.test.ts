import { describe, expect, test } from 'vitest'
import { isTrace, tracedCounts, tracedTokens } from './trace.ts'

const valid = (...rows: number[][]) => ({
  type: 'bool',
  dims: [rows.length, rows[0]?.length ?? 0],
  data: Uint8Array.from(rows.flat()),
})

describe('tracedCounts', () => {
  test('counts attended tokens by layer and example, without padding slots', () => {
    const outputs = {
      logits: { type: 'float32', dims: [2, 1], data: new Float32Array(2) },
      'tp.trace.1.valid': valid([1, 1, 1, 1], [1, 1, 0, 0]),
      'tp.trace.1.indices': { type: 'int64', dims: [2, 4], data: new BigInt64Array(8) },
      'tp.trace.11.valid': valid([1, 1], [1, 0]),
    }
    expect([...tracedCounts(outputs)]).toEqual([
      [1, [4, 2]],
      [11, [2, 1]],
    ])
  })

  test('gives nothing for a model without traces', () => {
    expect(tracedCounts({}).size).toBe(0)
  })
})

test('tracedTokens gives positions of tokens in the order of their slots, by ascending layer', () => {
  const indices = (...rows: bigint[][]) => ({
    type: 'int64',
    dims: [rows.length, rows[0]?.length ?? 0],
    data: BigInt64Array.from(rows.flat()),
  })
  const outputs = {
    'tp.trace.10.valid': valid([1, 1], [1, 0]),
    'tp.trace.10.indices': indices([0n, 6n], [0n, 2n]),
    'tp.trace.2.valid': valid([1, 1, 1], [1, 1, 0]),
    'tp.trace.2.indices': indices([0n, 6n, 3n], [0n, 2n, 1n]),
  }
  expect([...tracedTokens(outputs)]).toEqual([
    [
      2,
      [
        [0, 6, 3],
        [0, 2],
      ],
    ],
    [10, [[0, 6], [0]]],
  ])
})

test('isTrace is true of traces only', () => {
  expect(['tp.trace.3.valid', 'tp.trace.3.indices', 'tp.mask', 'logits'].map(isTrace)).toEqual([
    true,
    true,
    false,
    false,
  ])
})
