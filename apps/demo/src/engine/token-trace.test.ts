import { expect, test } from 'vitest'
import { readTrace } from './token-trace.ts'
import { tokensByLayer } from './tokens-by-layer.ts'

const traceOf = (layer: number, indices: readonly number[], valid = indices.map(() => 1)) => ({
  [`tp.trace.${layer}.indices`]: {
    type: 'int64',
    dims: [1, indices.length],
    data: BigInt64Array.from(indices, BigInt),
  },
  [`tp.trace.${layer}.valid`]: { type: 'bool', dims: [1, indices.length], data: Uint8Array.from(valid) },
})

const logits = { type: 'float32', dims: [1, 2], data: new Float32Array(2) }

test('prunes a token at the first layer that does not keep it', () => {
  const outputs = {
    logits,
    ...traceOf(1, [0, 1, 3]),
    ...traceOf(10, [0, 3], [1, 1]),
    ...traceOf(2, [0, 1, 3], [1, 1, 1]),
  }
  expect(readTrace(outputs, [true, true, true, true])).toEqual({
    prunedAt: [undefined, 10, 1, undefined],
    steps: [
      { layer: 1, kept: 3 },
      { layer: 2, kept: 3 },
      { layer: 10, kept: 2 },
    ],
  })
})

test('does not count restored tokens as pruned, nor empty slots and padding as tokens', () => {
  const outputs = { logits, ...traceOf(1, [0, 1]), ...traceOf(3, [0, 2, 1], [1, 1, 0]) }
  expect(readTrace(outputs, [true, true, true, false])).toEqual({
    prunedAt: [undefined, 3, undefined, 1],
    steps: [
      { layer: 1, kept: 2 },
      { layer: 3, kept: 2 },
    ],
  })
})

test('counts the tokens of every layer, pruning or not', () => {
  const trace = readTrace({ logits, ...traceOf(1, [0, 1, 3]), ...traceOf(3, [0]) }, [true, true, true, true])
  expect(tokensByLayer(trace, 5, 4)).toEqual([4, 3, 3, 1, 1])
})
