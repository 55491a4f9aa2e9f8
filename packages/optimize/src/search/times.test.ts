import { expect, test } from 'vitest'
import { openAtOnce } from './times.ts'

const ids = (batch: number, tokens: number) => ({
  input_ids: { type: 'int64', dims: [batch, tokens], data: new BigInt64Array(batch * tokens) } as const,
})

test('many small sessions are open at once, and large ones only with what they are compared with', () => {
  expect(openAtOnce([ids(1, 16), ids(1, 128)])).toBeGreaterThan(100)
  expect(openAtOnce([ids(1, 16), ids(32, 128)])).toBe(7)
  expect(openAtOnce([ids(32, 512)])).toBe(1)
  expect(openAtOnce([ids(64, 512)])).toBe(1)
})

test('an image counts as a text, however many pixels it has', () => {
  const pixels = { type: 'float32', dims: [8, 3, 2, 2], data: new Float32Array(96) } as const
  expect(openAtOnce([{ pixel_values: pixels }])).toBe(15)
})
