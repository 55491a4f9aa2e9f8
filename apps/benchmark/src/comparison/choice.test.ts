import { describe, expect, test } from 'vitest'
import type { Setting } from '../registry/settings.ts'
import type { AccuracyValue } from './cell.ts'
import { fastestWithin, figuresOf, isWithin } from './choice.ts'

const value = (correct: string, answers = correct): AccuracyValue => ({ accuracy: 0, correct, answers, flops: 1 })

test('counts agreement of answers, right or wrong', () => {
  const { accuracy, agreement } = figuresOf(value('0000', '1234'), value('1111', '1239'))
  expect(accuracy?.got).toEqual([0, 0, 0, 0])
  expect(agreement?.got).toEqual([1, 1, 1, 0])
})

describe('the fastest within a loss', () => {
  const setting: Setting = { kind: 'none' }
  const candidate = (estimate: number, high: number, speedup: number) => ({
    setting,
    loss: { estimate, low: -1, high },
    speedup,
  })

  test('requires both the estimate and half of the upper bound within it', () => {
    expect(isWithin({ estimate: 1, low: 0, high: 2 }, 1)).toBe(true)
    expect(isWithin({ estimate: 1.01, low: 0, high: 1.5 }, 1)).toBe(false)
    expect(isWithin({ estimate: 0, low: -3, high: 2.1 }, 1)).toBe(false)
  })

  test('takes the fastest from those within the loss', () => {
    const [slow, fast, lossy] = [candidate(0, 1, 1.5), candidate(0.9, 1.9, 2), candidate(3, 4, 9)]
    expect(fastestWithin([slow, fast, lossy], 1)).toBe(fast)
    expect(fastestWithin([lossy], 1)).toBeUndefined()
  })
})
