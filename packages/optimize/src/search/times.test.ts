import { expect, test } from 'vitest'
import { openAtOnce, timedFeeds } from './times.ts'

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

test('a batch that would take too much of the search is timed by a few rows of all lengths, the longest among them', async () => {
  const lengths = Array.from({ length: 64 }, (_, i) => 8 * (i + 1))
  const inputs = {
    ...{ source: 'texts', targets: lengths.map(() => 0), lengths, preparationMs: undefined, notes: [] },
    feeds: async (rows: readonly number[]) => ids(rows.length, Math.max(...rows.map((row) => lengths[row] as number))),
  }
  const dims = (feeds: readonly ReturnType<typeof ids>[]) => feeds.map(({ input_ids }) => input_ids.dims)
  const shapes = [{ batch: 32 }, { batch: 16, tokens: 128 }]
  const { feeds, quickFeeds } = await timedFeeds(inputs, shapes, 4096)
  expect(dims(feeds as never)).toEqual([
    [32, 504],
    [16, 128],
  ])
  expect(dims(quickFeeds as never)).toEqual([
    [4, 504],
    [16, 128],
  ])
  const { quickFeeds: all } = await timedFeeds(inputs, shapes)
  expect(dims(all as never)).toEqual(dims(feeds as never))
})
