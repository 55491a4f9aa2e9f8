import { type Amount, isTpError, type Schedule } from '@tp/core'
import type { ModelInputs } from '@tp/data/inputs'
import { nodeRuntime } from '@tp/runtime-node'
import { beforeAll, describe, expect, test } from 'vitest'
import { small, smallLessons } from '../test/lessons.ts'
import { thresholds } from '../test/methods.ts'
import { type FitOptions, fitSchedule, flopsMeasure } from './fit-schedule.ts'

let inputs: ModelInputs
beforeAll(async () => {
  ;({ inputs } = await smallLessons(16))
})

const method = thresholds()
const at = (amounts: Readonly<Record<number, Amount>>): Schedule =>
  new Map(Object.entries(amounts).map(([layer, amount]) => [Number(layer), amount]))
const options = (schedule: Schedule, targetFlops: number): FitOptions => ({
  ...{ model: small, method, runtime: nodeRuntime(), inputs, schedule, targetFlops },
})

test.each<[string, Schedule, number]>([
  ['ratios', at({ 0: { kind: 'ratio', value: 0.7 }, 1: { kind: 'ratio', value: 0.5 } }), 0.6],
  ['numbers to remove', at({ 0: { kind: 'remove', value: 4 }, 1: { kind: 'remove', value: 4 } }), 0.8],
])('brings %s close to the share, and not above it', async (_, schedule, target) => {
  const fitted = await fitSchedule(options(schedule, target))
  expect(fitted.flops).toBeLessThanOrEqual(target)
  // Whole tokens of sixteen short texts are no finer than this.
  expect(fitted.flops).toBeGreaterThan(target - 0.06)
  expect(await flopsMeasure(options(schedule, target))(fitted.schedule)).toBe(fitted.flops)
  const [before, after] = [schedule, fitted.schedule].map((own) => [...own].map(([layer, { kind }]) => [layer, kind]))
  expect(after).toEqual(before)
})

describe('an impossible fraction of the FLOPs', () => {
  test.each([0, 1, -0.5, Number.NaN])('refuses the fraction: %s', async (share) => {
    await expect(fitSchedule(options(at({ 0: { kind: 'ratio', value: 0.5 } }), share))).rejects.toThrow(
      expect.objectContaining({ code: 'TP_FLOPS' }),
    )
  })

  test('refuses a fraction below the cost of the first layers', async () => {
    const error = await fitSchedule(options(at({ 1: { kind: 'ratio', value: 0.5 } }), 0.3)).catch((thrown) => thrown)
    expect(isTpError(error) && error.code).toBe('TP_FLOPS')
    expect(error.message).toMatch(
      /with the fewest possible tokens at layers 1, 0\.\d+ of the FLOPs remain, not 0\.3; ask for more/,
    )
  })
})
