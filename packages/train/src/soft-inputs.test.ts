import type { SoftInput } from '@tp/compiler'
import { isTpError, TpError } from '@tp/core'
import { describe, expect, test } from 'vitest'
import { type SoftFeedOptions, softFeeds } from './soft-inputs.ts'

const inputs: readonly SoftInput[] = [
  { kind: 'noise', name: 'tp.noise.1.0', layer: 1, dims: ['B', 'N', 2] },
  { kind: 'ratio', name: 'tp.ratio.1', layer: 1, dims: ['B'] },
  { kind: 'saliency', name: 'tp.saliency', layer: 1, dims: ['B', 'N'] },
]
const feeds = { ids: { type: 'int64' as const, dims: [6, 5], data: new BigInt64Array(30) } }
const options: SoftFeedOptions = {
  inputs,
  tokens: 'sequence',
  declared: [{ name: 'ids', dims: ['batch', 'sequence'] }],
  copies: 3,
  lowest: 0.25,
  saliency: (row) => Float32Array.from({ length: 9 }, (_, i) => 10 * row + i),
}
const made = (seed: number, own: Partial<SoftFeedOptions> = {}) =>
  softFeeds(feeds, [4, 7], seed, { ...options, ...own })
const numbers = (name: string, seed: number): number[] => Array.from(made(seed)[name]?.tensor.data ?? [], Number)

test('have shapes that follow from the batch, its copies and the tokens of the inputs', () => {
  expect(Object.fromEntries(Object.entries(made(1)).map(([name, { tensor }]) => [name, tensor.dims]))).toEqual({
    'tp.noise.1.0': [6, 5, 2],
    'tp.ratio.1': [6],
    'tp.saliency': [6, 5],
  })
})

test('soft inputs are equal for the same seed and differ for another', () => {
  expect(made(1)).toEqual(made(1))
  const noise = numbers('tp.noise.1.0', 1)
  expect(numbers('tp.noise.1.0', 2)).not.toEqual(noise)
  expect(noise.every((value) => value >= 0 && value < 1)).toBe(true)
})

test('keep everything in one copy, the minimum in another, and something between in the others', () => {
  const ratios = numbers('tp.ratio.1', 5)
  expect(ratios.slice(0, 4)).toEqual([1, 1, 0.25, 0.25])
  for (const ratio of ratios.slice(4)) {
    expect(ratio).toBeGreaterThan(0.25)
    expect(ratio).toBeLessThan(1)
  }
})

test('contain the saliency of each example, cut to the batch, once per copy', () => {
  const rows = [4, 7, 4, 7, 4, 7].map((row) => Array.from({ length: 5 }, (_, i) => 10 * row + i))
  expect(numbers('tp.saliency', 1)).toEqual(rows.flat())
})

describe('missing inputs', () => {
  const codeOf = (own: Partial<SoftFeedOptions>): unknown => {
    try {
      return made(1, own)
    } catch (error) {
      return isTpError(error) ? error.code : error
    }
  }

  test('include saliency, where the method asks for it', () => {
    expect(codeOf({ saliency: undefined })).toBe('TP_OPTION')
  })

  test('include the number of tokens', () => {
    expect(codeOf({ tokens: 'frames' })).toBe('TP_SIZES')
    expect(codeOf({ tokens: 5 })).not.toBeInstanceOf(TpError)
  })
})
