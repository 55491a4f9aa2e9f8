import { binomialAtMost, randomNumbers } from '@tp/core/statistics'

import { expect, test } from 'vitest'
import { measureFalseAlarms } from './false-alarms.ts'

test('gives no more false alarms than promised, in any order of the baseline', () => {
  const random = randomNumbers(5)
  // two signals that go together, sorted
  const margin = Array.from({ length: 600 }, () => random()).sort((a, b) => a - b)
  const signals = { margin, mass: margin.map((value) => Math.round(10 * value)) }
  const [falseAlarmRate, streams] = [3e-4, 300]
  const found = measureFalseAlarms({ signals }, { falseAlarmRate, streams, random })
  expect(found).toMatchObject({ falseAlarmRate, streams, inputs: 300 })
  // what chance alone would exceed once in a thousand times
  expect(1 - binomialAtMost(found.alarms - 1, streams, 300 * falseAlarmRate)).toBeGreaterThan(0.001)
  // a rate that promises nothing is measured as one that gives alarms
  expect(measureFalseAlarms({ signals }, { falseAlarmRate: 0.5, streams, random }).alarms).toBe(streams)
})
