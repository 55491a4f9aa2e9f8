import { expect, test } from 'vitest'
import { tokensBySchedule } from './tokens-by-schedule.ts'

const plan = (method: string, keep: number, layers?: readonly number[]) => ({
  format: 1 as const,
  method,
  keep,
  layers,
})

test('counts the tokens of each layer by the schedule', () => {
  expect(tokensBySchedule(plan('cls-attention', 0.5, [1, 3]), 5, 100)).toEqual([100, 50, 50, 25, 25])
  expect(tokensBySchedule(plan('cls-attention', 0.5), 3, 101)).toEqual([101, 51, 26])
  expect(tokensBySchedule(plan('cls-attention', 1), 2, 7)).toEqual([7, 7])
})

test('counts nothing where the method decides, or a layer does not exist', () => {
  expect(tokensBySchedule(plan('thin-padding', 0.5), 5, 100)).toBeUndefined()
  expect(tokensBySchedule(plan('evit', 0.5), 5, 100)).toBeUndefined()
  expect(tokensBySchedule(plan('cls-attention', 0.5, [7]), 5, 100)).toBeUndefined()
})
