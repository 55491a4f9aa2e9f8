import { expect, test } from 'vitest'
import { pruned } from '../registry/settings.ts'
import { type AccuracyLine, chosenLines, isSmall } from './vision.ts'

const NOTHING = { estimate: 0, low: 0, high: 0 }

function line(name: string, flops: number, estimate: number, high = estimate + 0.5): AccuracyLine {
  const calibration = { estimate, low: estimate - 0.5, high }
  return { name, settings: [pruned(name, { keep: 0.6, layers: [0] })], flops, calibration, test: NOTHING }
}

test('of the settings that lose little enough the one of fewest FLOPs is chosen, by calibration data alone', () => {
  const lines = [line('tome', 1.3, 0.1), line('tome', 1.7, 0.9), line('tome', 2.1, 1.2)]
  expect(chosenLines(lines, 1)).toEqual([lines[1]])
})

test('an interval that ends more than a point beyond is not little enough', () => {
  const lines = [line('tome', 1.3, 0.1), line('tome', 1.7, 0.9, 2.1)]
  expect(chosenLines(lines, 1)).toEqual([lines[0]])
  expect(isSmall({ estimate: 1, low: 0, high: 2 }, 1)).toBe(true)
})

test('where all lose too much the one that loses least is chosen; what was not calibrated, never', () => {
  const { calibration, ...control } = line('random', 3, 0)
  const lines = [line('evit', 1.3, 4), line('evit', 1.5, 3), control]
  expect(chosenLines(lines, 1)).toEqual([lines[1]])
})
