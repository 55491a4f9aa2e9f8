import { nodeRuntime } from '@tp/runtime-node'
import { expect, test } from 'vitest'
import { sharedPath } from '../files.ts'
import type { ShiftCell } from './cell.ts'
import { measureShift, openShifts } from './measure.ts'
import { type ComparedForm, comparedForms, openCompared } from './subjects.ts'

const runtime = nodeRuntime()
const mail = comparedForms.find(({ name }) => name === 'mail') as ComparedForm
const context = { runtime, shared: sharedPath }
const EXAMPLES = 9

test('evaluates all settings on the same sets, and truncates texts in each of them', {
  timeout: 120_000,
  tags: 'exhaustive',
}, async () => {
  const cell: ShiftCell = { kind: 'shift', subject: 'mail', setting: { kind: 'none' }, examples: EXAMPLES, severity: 3 }
  const opened = await openCompared(context, mail, 'test', EXAMPLES)
  const shifted = openShifts(mail, context, opened, cell)
  const whole = await measureShift(runtime, opened, shifted, cell)
  const setting = { kind: 'truncated', budget: { keep: 0.05, layers: [0] } } as const
  const cut = await measureShift(runtime, opened, shifted, { ...cell, setting })

  expect(cut.sets.map(({ name }) => name)).toEqual(whole.sets.map(({ name }) => name))
  expect(cut.sets.map(({ examples }) => examples)).toEqual(whole.sets.map(({ examples }) => examples))
  // what comes after the cut changes nothing any more
  const find = (name: string) => cut.sets.find((set) => set.name === name)
  expect(find('padding-after:3')?.correct).toBe(find('in distribution')?.correct)

  // bins are parts of the answers in distribution
  const bins = whole.sets.filter(({ examples }) => examples !== undefined)
  const [own] = whole.sets
  expect(bins).toHaveLength(3)
  expect(bins.flatMap(({ examples = [] }) => examples).sort((a, b) => a - b)).toEqual([...Array(EXAMPLES).keys()])
  for (const { examples = [], correct } of bins) expect(correct).toBe(examples.map((i) => own?.correct[i]).join(''))
})
