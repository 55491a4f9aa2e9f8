import { type Amount, isTpError, type Schedule } from '@tp/core'
import type { ModelInputs } from '@tp/eval'
import { nodeRuntime } from '@tp/runtime-node'
import { beforeAll, describe, expect, test } from 'vitest'
import { mail, mailLessons } from '../test/lessons.ts'
import { thresholds } from '../test/methods.ts'
import { type FitOptions, fitSchedule, flopsMeasure } from './fit-schedule.ts'

let inputs: ModelInputs
beforeAll(async () => {
  ;({ inputs } = await mailLessons(8, 32))
}, 60_000)

const method = thresholds()
const at = (amounts: Readonly<Record<number, Amount>>): Schedule =>
  new Map(Object.entries(amounts).map(([block, amount]) => [Number(block), amount]))
const options = (schedule: Schedule, targetFlops: number): FitOptions => ({
  ...{ model: mail, method, runtime: nodeRuntime(), inputs, schedule, targetFlops },
})

test.each<[string, Schedule, number]>([
  ['ratios', at({ 1: { kind: 'ratio', value: 0.7 }, 3: { kind: 'ratio', value: 0.5 } }), 0.6],
  ['counts', at({ 1: { kind: 'tokens', value: 16 }, 3: { kind: 'tokens', value: 8 } }), 0.6],
  ['counts that leave', at({ 1: { kind: 'remove', value: 4 }, 3: { kind: 'remove', value: 4 } }), 0.8],
  ['thresholds', at({ 1: { kind: 'threshold', value: 0.02 }, 3: { kind: 'threshold', value: 0.04 } }), 0.6],
  ['thresholds far away', at({ 1: { kind: 'threshold', value: 0.001 } }), 0.6],
])('%s come close to the share, and not above it', { timeout: 120_000 }, async (_, schedule, target) => {
  const fitted = await fitSchedule(options(schedule, target))
  expect(fitted.flops).toBeLessThanOrEqual(target)
  // Whole tokens of eight short mails are no finer than this.
  expect(fitted.flops).toBeGreaterThan(target - 0.06)
  expect(await flopsMeasure(options(schedule, target))(fitted.schedule)).toBe(fitted.flops)
  const [before, after] = [schedule, fitted.schedule].map((own) => [...own].map(([block, { kind }]) => [block, kind]))
  expect(after).toEqual(before)
})

test('thresholds that are not above 0 move, too', { timeout: 120_000 }, async () => {
  const schedule = at({ 1: { kind: 'threshold', value: 0 }, 2: { kind: 'threshold', value: -0.5 } })
  const { schedule: fitted, flops } = await fitSchedule(options(schedule, 0.7))
  expect(flops).toBeLessThanOrEqual(0.7)
  expect(fitted.get(1)?.value).toBeGreaterThan(0)
})

describe('a share that cannot be', () => {
  test.each([0, 1, -0.5, Number.NaN])('%s is none', async (share) => {
    await expect(fitSchedule(options(at({ 1: { kind: 'ratio', value: 0.5 } }), share))).rejects.toThrow(
      expect.objectContaining({ code: 'TP_FLOPS' }),
    )
  })

  test('one below what the first blocks cost', { timeout: 120_000 }, async () => {
    const error = await fitSchedule(options(at({ 4: { kind: 'ratio', value: 0.5 } }), 0.3)).catch((thrown) => thrown)
    expect(isTpError(error) && error.code).toBe('TP_FLOPS')
    expect(error.message).toMatch(
      /as few tokens as can be at blocks 4, 0\.\d+ of the FLOPs are left, not 0\.3; ask for more/,
    )
  })
})
