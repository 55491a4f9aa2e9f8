import { byLayer, constant, none, sequence, stride } from '@tp/core'
import { choose, testMethod } from '@tp/core/testing'
import fc from 'fast-check'
import { run } from 'method-tests'
import { expect, test } from 'vitest'
import { evoVit, thinPadding, tome } from './index.ts'

testMethod(thinPadding({ every: 3 }), { run })
testMethod(thinPadding({ every: 3, margin: 2 }), { run })

const anything = { kind: 'ratio', value: 1 } as const

/** The kept tokens of one example whose tokens carry a signal (1) or none (0). */
function thinned(
  signal: readonly number[],
  every: number,
  { margin = 0, ...others }: { margin?: number; protectedTokens?: number[]; attended?: number[][] } = {},
) {
  const hidden = constant(
    signal.map((_, i) => i),
    'float32',
    [1, signal.length, 1],
  )
  const { kept, sizes, states } = choose(
    thinPadding({ every, margin }),
    { hidden, signal: [signal], ...others },
    anything,
  )
  return { kept: kept[0], sizes: sizes[0], states: states[0]?.flat() }
}

test('one of every few tokens without a signal is kept as it is, and counts for those up to the next', () => {
  expect(thinned([1, 1, 0, 0, 0, 0, 0], 2)).toEqual({
    kept: [0, 1, 2, 4, 6],
    sizes: [1, 1, 2, 2, 1],
    states: [0, 1, 2, 4, 6],
  })
})

test('the beginning of a run is kept whole, at most as many tokens as are kept of the run without it', () => {
  expect(thinned([1, 0, 0, 0, 0, 0, 0, 0, 1, 0], 3, { margin: 2 })).toMatchObject({
    kept: [0, 1, 2, 3, 6, 8, 9],
    sizes: [1, 1, 1, 3, 2, 1, 1],
  })
  expect(thinned([1, 0, 0, 0, 0, 0], 2, { margin: 5 })).toMatchObject({ kept: [0, 1, 2, 3, 5], sizes: [1, 1, 1, 2, 1] })
})

test('by default 32 tokens at the beginning of a pause of Whisper are kept whole', () => {
  const signal = Array.from({ length: 1500 }, (_, i) => (i < 300 ? 1 : 0))
  const hidden = constant(signal, 'float32', [1, 1500, 1])
  const { kept } = choose(thinPadding(), { hidden, signal: [signal] }, anything)
  expect(kept[0]?.slice(300, 335)).toEqual([...Array.from({ length: 33 }, (_, i) => 300 + i), 340, 348])
  expect(kept[0]).toHaveLength(300 + 32 + 146)
})

test('padding that a mask marks counts for nothing, and protected tokens for themselves', () => {
  const attended = [[1, 1, 1, 1, 1, 0, 0]]
  const state = { attended, protectedTokens: [0] }
  expect(thinned([0, 1, 0, 0, 0, 0, 0], 2, state)).toMatchObject({ kept: [0, 1, 2, 4], sizes: [1, 1, 2, 1] })
})

test('tokens with a signal are all kept, and sizes add up to all tokens', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 2, max: 20 }),
      fc.integer({ min: 0, max: 9 }),
      (signal, every, margin) => {
        const { kept = [], sizes = [] } = thinned(signal, every, { margin })
        const runs = signal.join('').match(/0+/g) ?? []
        const keptOf = (length: number): number => {
          const near = Math.min(margin, Math.floor(length / every))
          return near + Math.ceil((length - near) / every)
        }
        const representatives = runs.reduce((sum, { length }) => sum + keptOf(length), 0)
        expect(kept).toEqual(expect.arrayContaining(signal.flatMap((loud, i) => (loud === 1 ? [i] : []))))
        expect(kept).toHaveLength(signal.filter((loud) => loud === 1).length + representatives)
        expect(sizes.reduce((a, b) => a + b, 0)).toBe(signal.length)
      },
    ),
  )
})

test('acts before another method, which prunes the rest alone', () => {
  expect(sequence(thinPadding(), stride())).toMatchObject({
    name: 'thin-padding+stride',
    before: { name: 'thin-padding' },
  })
  expect(() => sequence(stride(), thinPadding())).toThrow('stride cannot act before another method')
  expect(() => sequence(thinPadding(), sequence(thinPadding(), tome()))).toThrow('acts after another method already')
  expect(() => sequence(thinPadding(), evoVit())).toThrow('brings tokens back')
  expect(() => sequence(thinPadding(), none())).toThrow('use thin-padding alone')
  const parts = new Map([[0, sequence(thinPadding(), stride())]])
  expect(() => byLayer('mixed', parts, stride())).toThrow('mixed: thin-padding+stride acts after another method')
  expect(() => thinPadding({ every: 1 })).toThrow('every is 1')
})
