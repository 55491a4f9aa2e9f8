import { describe, expect, test } from 'vitest'
import type { Losses } from './answers.ts'
import { isContradicted, lossOf, seemsWithin, surelyBeyond } from './loss.ts'

const EXAMPLES = 200

/** Answers of which some turn: each loses so many points by the dense model's probabilities, and 100 by its label if that is lost. */
const turned = (count: number, points: number, lost: number): Losses => ({
  labeled: Array.from({ length: EXAMPLES }, (_, i) => (i < lost ? 100 : 0)),
  expected: Array.from({ length: EXAMPLES }, (_, i) => (i < count ? points : 0)),
})

describe('a candidate', () => {
  const tolerance = { maxLoss: 1, confident: false }

  test('holds by the upper end of its expected loss, not by its estimate', () => {
    expect(seemsWithin(tolerance, turned(10, 15, 0))).toBe(true)
    expect(seemsWithin(tolerance, turned(10, 19, 0))).toBe(false)
  })

  test('holds by a stricter bound among many that nothing confirms', () => {
    expect(seemsWithin({ ...tolerance, isUnconfirmed: true }, turned(10, 15, 0))).toBe(false)
    expect(seemsWithin({ ...tolerance, isUnconfirmed: true }, turned(10, 12, 0))).toBe(true)
  })

  test('holds if one label more than allowed is lost, which says little', () => {
    expect(seemsWithin(tolerance, turned(10, 10, 3))).toBe(true)
    expect(seemsWithin({ maxLoss: 1, confident: true }, turned(10, 10, 3))).toBe(false)
  })

  test('holds without labels if half of the changed answers are within the allowed loss as well', () => {
    const unlabeled = (changed: number): Losses => ({
      expected: turned(changed, 10, 0).expected,
      changed: turned(0, 0, changed).labeled,
    })
    expect(seemsWithin(tolerance, unlabeled(2))).toBe(true)
    expect(seemsWithin(tolerance, unlabeled(4))).toBe(false)
    expect(seemsWithin({ maxLoss: 3, confident: true }, unlabeled(1))).toBe(true)
    expect(seemsWithin({ maxLoss: 3, confident: true }, unlabeled(4))).toBe(false)
    const loss = lossOf(unlabeled(1))
    expect([loss.labeled, loss.changed?.estimate, isContradicted(0, loss)]).toEqual([undefined, 0.5, false])
  })

  test('raises an alarm where its labels say for certain that more is lost', () => {
    expect(isContradicted(1, lossOf(turned(10, 10, 3)))).toBe(false)
    expect(isContradicted(1, lossOf(turned(20, 5, 20)))).toBe(true)
    expect(seemsWithin(tolerance, turned(20, 5, 20))).toBe(true)
  })

  test('fails by a few examples that alone lose more than all may lose together', () => {
    const losses: Losses = { expected: [0, 0, 0, 12] }
    expect(surelyBeyond(1, losses, 0.25)).toBe(false)
    expect(surelyBeyond(1, losses, 0.5)).toBe(true)
    expect(surelyBeyond(1, { expected: [3, 3.1, 2.9, 3] }, 0.25)).toBe(true)
  })
})
