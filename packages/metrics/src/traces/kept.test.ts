import { describe, expect, test } from 'vitest'
import { keptFractions } from './kept.ts'

describe('keptFractions', () => {
  test('counts each example by its own length, and keeps all in a layer without trace', () => {
    const counts = new Map([
      [1, [5, 2]],
      [3, [1, 1]],
    ])
    // layer 0: 1, 1 · layer 1 and 2: 5/10, 2/4 · layer 3: 1/10, 1/4
    const { layers, mean } = keptFractions(counts, [10, 4], 4)
    expect(layers).toEqual([1, 0.5, 0.5, 0.175])
    expect(mean).toBeCloseTo((1 + 0.5 + 0.5 + 0.175) / 4, 12)
  })

  test('a dense model keeps all tokens', () => {
    expect(keptFractions(new Map(), [7, 9], 3)).toEqual({ layers: [1, 1, 1], mean: 1 })
  })

  test('refuses a trace of an unknown layer', () => {
    expect(() => keptFractions(new Map([[6, [1]]]), [1], 6)).toThrow('a trace of layer 6, but should have 6 layers')
  })
})
