import fc from 'fast-check'
import { expect, test } from 'vitest'
import { neighbours } from './neighbours.ts'

test('fewer tokens at a site, a cut left out, and a cut made earlier', () => {
  const found = Object.fromEntries(neighbours([1, 0.5, 0.5, 0.2]).map(({ step, shares }) => [step, shares]))
  expect(found['fewer 0']).toEqual([0.8, 0.5, 0.5, 0.2])
  expect(found['fewer 1']).toEqual([1, 0.4, 0.4, 0.2])
  expect(found['fewer 3']).toEqual([1, 0.5, 0.5, 0.16])
  expect(found['none 1']).toEqual([1, 1, 1, 0.2])
  expect(found['none 3']).toEqual([1, 0.5, 0.5, 0.5])
  expect(found['at once 1']).toEqual([1, 0.2, 0.2, 0.2])
  expect(found).not.toHaveProperty('none 0')
  expect(found).not.toHaveProperty('none 2')
  expect(found).not.toHaveProperty('at once 3')
})

test('the last cut is not left out: without any it is the dense model', () => {
  expect(neighbours([1, 0.5, 0.5]).map(({ step }) => step)).not.toContain('none 1')
})

test('are schedules, and other ones', () => {
  const schedules = fc
    .array(fc.constantFrom(1, 0.7, 0.5, 0.2, 0.05), { minLength: 1, maxLength: 6 })
    .map((shares) => shares.sort((a, b) => b - a))
  fc.assert(
    fc.property(schedules, (from) => {
      for (const { shares } of neighbours(from)) {
        expect(shares).toHaveLength(from.length)
        expect(shares).not.toEqual(from)
        expect(shares.at(-1)).toBeLessThan(1)
        expect(shares.every((share, i) => share > 0 && share <= (shares[i - 1] ?? 1))).toBe(true)
      }
    }),
  )
})
