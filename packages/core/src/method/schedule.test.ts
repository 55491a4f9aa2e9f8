import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isTpError } from '../errors.ts'
import { amountKinds, amountRules } from './amount-rules.ts'
import { type Amount, amountText, keepsAll, keptCount, type ScheduleOptions, schedule } from './schedule.ts'

describe('schedule', () => {
  test('applies one number to the only layer, where there is one', () => {
    expect([...schedule(1, { keep: 0.5 })]).toEqual([[0, { kind: 'ratio', value: 0.5 }]])
  })

  test('applies one number to all layers but the first', () => {
    expect([...schedule(3, { keep: 0.5 })]).toEqual([
      [1, { kind: 'ratio', value: 0.5 }],
      [2, { kind: 'ratio', value: 0.5 }],
    ])
  })

  test('matches lists with the layers in order', () => {
    expect([...schedule(12, { layers: [6, 2], tokens: [9, 40] })]).toEqual([
      [6, { kind: 'tokens', value: 9 }],
      [2, { kind: 'tokens', value: 40 }],
    ])
  })

  const refused: readonly (readonly [options: ScheduleOptions, message: RegExp])[] = [
    [{}, /exactly one of keep, .* \(seen: none/],
    [{ keep: 0.5, tokens: 3 }, /seen: keep and tokens/],
    [{ keep: 0 }, /keep is 0/],
    [{ keep: 0.00001 }, /keep is 0.00001; it must be at least 0.00005 and/],
    [{ keep: 1.2 }, /keep is 1.2/],
    [{ keep: Number.NaN }, /keep is NaN/],
    [{ tokens: 0 }, /tokens is 0/],
    [{ tokens: 2.5 }, /tokens is 2.5/],
    [{ tokens: 1e300 }, /tokens is 1e\+300; it must be a whole number from 1 to 9007199254740991/],
    [{ remove: -1 }, /remove is -1/],
    [{ remove: 1.5 }, /remove is 1.5/],
    [{ mass: 0 }, /mass is 0/],
    [{ mass: 1.01 }, /mass is 1.01/],
    [{ threshold: Number.POSITIVE_INFINITY }, /threshold is Infinity/],
    [{ layers: [4], keep: 0.5 }, /layer 4 does not exist: the model has layers 0 to 3/],
    [{ layers: [-1], keep: 0.5 }, /layer -1/],
    [{ layers: [1.5], keep: 0.5 }, /layer 1.5/],
    [{ layers: [2, 2], keep: 0.5 }, /layer 2 is named twice/],
    [{ layers: [], keep: 0.5 }, /there is no layer to prune/],
    [{ layers: [1, 2], keep: [0.5, 0.4, 0.3] }, /3 values for 2 layers \(1, 2\)/],
  ]
  test.each(refused)('refuses %o', (options, message) => {
    try {
      schedule(4, options)
      expect.unreachable()
    } catch (error) {
      expect(isTpError(error) && error.code).toBe('TP_SCHEDULE')
      expect((error as Error).message).toMatch(message)
    }
  })
})

test('reports invalid numbers of layers, options and lists', () => {
  const odd = schedule as (layers: unknown, options: unknown) => unknown
  const wrong: readonly [layers: unknown, options: unknown][] = [
    [Number.NaN, { keep: 0.5 }],
    [-1, { keep: 0.5 }],
    [1e12, { keep: 0.5 }],
    ['6', { keep: 0.5 }],
    [6, null],
    [6, { keep: '0.5' }],
    [6, { keep: {} }],
    [6, { keep: 0.5, layers: '1,2' }],
    [6, { keep: 0.5, layers: ['1'] }],
  ]
  for (const [layers, options] of wrong) {
    expect(() => odd(layers, options)).toThrow(expect.objectContaining({ code: 'TP_SCHEDULE' }))
  }
})

test('takes linear time for a schedule of very many layers', () => {
  const many = Array.from({ length: 100_000 }, (_, i) => i)
  expect(schedule(100_000, { keep: 0.5, layers: many }).size).toBe(100_000)
})

describe('keptCount', () => {
  test('rounds up in integers, where a float32 would make 31 of 0.3 · 100', () => {
    expect(keptCount(100, { kind: 'ratio', value: 0.3 })).toBe(30)
    expect(keptCount(7, { kind: 'ratio', value: 0.5 })).toBe(4)
    expect(keptCount(1, { kind: 'ratio', value: 0.0001 })).toBe(1)
  })

  test('keeps at most the tokens that there are', () => {
    expect(keptCount(5, { kind: 'tokens', value: 9999 })).toBe(5)
  })

  test('removes a number of tokens, but never the last one', () => {
    expect(keptCount(5, { kind: 'remove', value: 2 })).toBe(3)
    expect(keptCount(5, { kind: 'remove', value: 0 })).toBe(5)
    expect(keptCount(5, { kind: 'remove', value: 9 })).toBe(1)
    expect(keptCount(0, { kind: 'remove', value: 9 })).toBe(0)
  })

  test('returns undefined for threshold and mass', () => {
    expect(keptCount(5, { kind: 'threshold', value: 0.1 })).toBeUndefined()
    expect(keptCount(5, { kind: 'mass', value: 0.9 })).toBeUndefined()
  })

  test('returns the number of tokens where a rule keeps them all', () => {
    for (const kind of amountKinds) {
      const amount: Amount = { kind, value: amountRules[kind].whole ?? amountRules[kind].example }
      expect(keptCount(1_000_000, amount) === 1_000_000).toBe(keepsAll(amount))
    }
  })

  test('returns ⌈r·n⌉ for ratios of at most four digits, which grows by at most one with each token', () => {
    const ratio = fc.integer({ min: 1, max: 10000 })
    fc.assert(
      fc.property(ratio, fc.integer({ min: 0, max: 100000 }), (r, n) => {
        const kept = keptCount(n, { kind: 'ratio', value: r / 10000 }) as number
        expect(BigInt(kept)).toBe((BigInt(r) * BigInt(n) + 9999n) / 10000n)
        const next = keptCount(n + 1, { kind: 'ratio', value: r / 10000 }) as number
        expect([0, 1]).toContain(next - kept)
      }),
    )
  })
})

test('an amount is written in the words of the command line, and one of an unknown kind as it is', () => {
  expect(amountText({ kind: 'ratio', value: 0.7 })).toBe('keep 0.7')
  expect(amountText({ kind: 'mass', value: 0.9 })).toBe('mass 0.9')
  expect(amountText({ kind: 'constructor', value: 1 })).toBe('constructor 1')
})
