import fc from 'fast-check'
import { expect, test } from 'vitest'
import { judgeAnswer, judgeLoss, points, speedOf } from './judgment.ts'

const classes = (name: string, share: number) => [
  { name, share },
  { name: 'other', share: 1 - share },
]

test('calls a speed-up by its interval', () => {
  const pruned = [10, 11, 10, 9, 10, 10, 11, 10, 9, 10]
  const at = (factor: number) => speedOf({ dense: pruned.map((ms, i) => ms * factor + 0.01 * i), pruned })
  expect(at(2).judgment).toEqual({ tone: 'good', text: 'as fast' })
  expect(at(2).factor).toBeCloseTo(2, 1)
  expect(at(0.8).judgment.tone).toBe('bad')
  const noisy = speedOf({ dense: [10, 12, 9, 11, 10, 8], pruned: [11, 9, 10, 10, 12, 10] })
  expect(noisy.judgment).toEqual({ tone: 'none', text: 'No measurable difference' })
})

test('never claims a difference in speed where the interval covers 1', () => {
  const times = fc.array(
    fc.tuple(fc.double({ min: 1, max: 9, noNaN: true }), fc.double({ min: 1, max: 9, noNaN: true })),
    {
      minLength: 5,
      maxLength: 40,
    },
  )
  fc.assert(
    fc.property(times, (rounds) => {
      const { low, high, judgment } = speedOf({ dense: rounds.map(([a]) => a), pruned: rounds.map(([, b]) => b) })
      expect(judgment.tone === 'none').toBe(low <= 1 && high >= 1)
    }),
  )
})

test('warns where the answer is the same but much less confident', () => {
  expect(judgeAnswer(classes('spam', 0.73), classes('spam', 0.4))).toEqual({
    tone: 'warning',
    text: 'Still spam, but less confident: 73 % became 40 %.',
  })
  expect(judgeAnswer(classes('spam', 0.73), classes('spam', 0.7)).tone).toBe('good')
  expect(judgeAnswer(classes('spam', 0.73), classes('ham', 0.9)).tone).toBe('bad')
})

test('calls a loss measurable only where its interval is on one side of 0', () => {
  expect(judgeLoss({ estimate: 0.002, low: -0.003, high: 0.006 })).toEqual({
    tone: 'none',
    text: 'No measurable difference: 0.2 points lost (−0.3 … 0.6).',
  })
  expect(judgeLoss({ estimate: 0.15, low: 0.1, high: 0.2 }).tone).toBe('bad')
  expect(judgeLoss({ estimate: -0.15, low: -0.2, high: -0.1 }).text).toBe('15.0 points gained.')
  expect(points(-0.0001)).toBe('0.0')
})
