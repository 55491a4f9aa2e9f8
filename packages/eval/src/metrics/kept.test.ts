import { describe, expect, test } from 'vitest'
import { keptFractions, tracedCounts } from './kept.ts'

const valid = (...rows: number[][]) => ({
  type: 'bool',
  dims: [rows.length, rows[0]?.length ?? 0],
  data: Uint8Array.from(rows.flat()),
})

describe('tracedCounts', () => {
  test('counts valid tokens by block and row, fillers not', () => {
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

  test('a model without traces has none', () => {
    expect(tracedCounts({}).size).toBe(0)
  })
})

describe('keptFractions', () => {
  test('each example counts by its own length; a block without trace passes on what it gets', () => {
    const counts = new Map([
      [1, [5, 2]],
      [3, [1, 1]],
    ])
    // block 0: 1, 1 · block 1 and 2: 5/10, 2/4 · block 3: 1/10, 1/4
    const { blocks, mean } = keptFractions(counts, [10, 4], 4)
    expect(blocks).toEqual([1, 0.5, 0.5, 0.175])
    expect(mean).toBeCloseTo((1 + 0.5 + 0.5 + 0.175) / 4, 12)
  })

  test('a dense model keeps all', () => {
    expect(keptFractions(new Map(), [7, 9], 3)).toEqual({ blocks: [1, 1, 1], mean: 1 })
  })

  test('a trace of a block that the model is not said to have is an error', () => {
    expect(() => keptFractions(new Map([[6, [1]]]), [1], 6)).toThrow('a trace of block 6, but is said to have 6 blocks')
  })
})
