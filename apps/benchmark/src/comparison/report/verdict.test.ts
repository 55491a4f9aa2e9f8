import { expect, test } from 'vitest'
import type { ReportedChoice } from '../plan.ts'
import { verdictOf } from './verdict.ts'

/** A way with what calibration data promised, and what test data say. */
function way(
  promised: number,
  loss: readonly [low: number, high: number],
  speed: readonly [low: number, high: number],
) {
  const [[lossLow, lossHigh], [low, high]] = [loss, speed]
  const row = { loss: { low: lossLow, high: lossHigh, estimate: (lossLow + lossHigh) / 2 } }
  return { speedup: promised, row, tested: { low, high, value: (low + high) / 2 } } as unknown as ReportedChoice
}

test('takes the fastest on calibration data, not on test data', () => {
  const [promising, lucky] = [way(2, [-0.5, 0.5], [1.5, 1.6]), way(1.8, [-0.5, 0.5], [2.2, 2.3])]
  expect(verdictOf([lucky, promising], 1)).toEqual({ use: promising, passedOver: [] })
})

test('passes over what loses more for certain, or is not faster by the clock, and says which', () => {
  const loses = way(3, [1.1, 4], [2.9, 3.1])
  const slow = way(2.5, [-0.2, 0.2], [0.84, 0.86])
  const use = way(2, [0.9, 3], [1.9, 2.1])
  const unseen = way(1.5, [2, 3], [1.4, 1.6])
  expect(verdictOf([unseen, use, slow, loses], 1)).toEqual({
    use,
    passedOver: [
      { reported: loses, fault: 'loses more' },
      { reported: slow, fault: 'not faster' },
    ],
  })
})

test('finds nothing to use where all are contradicted', () => {
  expect(verdictOf([way(2, [2, 3], [1.9, 2])], 1).use).toBeUndefined()
  expect(verdictOf([], 1)).toEqual({ use: undefined, passedOver: [] })
})
