import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mcnemar } from './mcnemar.ts'

/** Answers of two models, so many examples of which only one has right, and some that say nothing. */
function answers(onlyFirst: number, onlySecond: number): [boolean[], boolean[]] {
  const first = [...Array(onlyFirst).fill(true), ...Array(onlySecond).fill(false), true, false]
  const second = [...Array(onlyFirst).fill(false), ...Array(onlySecond).fill(true), true, false]
  return [first, second]
}

// scipy 1.17.1: binomtest(m, n, 0.5).pvalue, and the same less binom.pmf(m, n, 0.5)
test.each([
  [0, 1, 0.5, 1],

  [3, 12, 0.02127075195312501, 0.03515625],

  [1, 9, 0.011718749999999998, 0.021484375],
  [40, 62, 0.0296822146316268, 0.037066767438560584],
  [700, 810, 0.004641339249895214, 0.005014536344358142],
])('agrees where only the first has %i right, only the second %i', (onlyFirst, onlySecond, p, exact) => {
  const found = mcnemar(...answers(onlyFirst, onlySecond))
  expect(found).toMatchObject({ onlyFirst, onlySecond })
  expect(found.p).toBeCloseTo(p, 12)
  expect(found.exact).toBeCloseTo(exact, 12)
})

/** All 2ⁿ ways in which the examples that tell the models apart could have fallen, each as likely as any other. */
function byEnumeration(onlyFirst: number, onlySecond: number): { mid: number; exact: number } {
  const n = onlyFirst + onlySecond
  const far = Math.abs(onlyFirst - onlySecond)
  let [beyond, at] = [0, 0]
  for (let way = 0; way < 2 ** n; way++) {
    const ones = way.toString(2).replaceAll('0', '').length
    const distance = Math.abs(2 * ones - n)
    if (distance > far) beyond++
    else if (distance === far) at++
  }
  return { exact: (beyond + at) / 2 ** n, mid: (beyond + at / 2) / 2 ** n }
}

test('p is the share of outcomes as uneven or more, those just as uneven counted half', () => {
  const few = fc.integer({ min: 0, max: 6 })
  fc.assert(
    fc.property(few, few, (onlyFirst, onlySecond) => {
      fc.pre(onlyFirst + onlySecond > 0)
      const { mid, exact } = byEnumeration(onlyFirst, onlySecond)
      const found = mcnemar(...answers(onlyFirst, onlySecond))
      expect(found.p).toBeCloseTo(mid, 12)
      expect(found.exact).toBeCloseTo(exact, 12)
    }),
  )
})

describe('the test at its extremes', () => {
  test('finds no difference between models that are right on the same examples', () => {
    expect(mcnemar(...answers(0, 0))).toEqual({ onlyFirst: 0, onlySecond: 0, p: 1, exact: 1 })
  })

  test('counts thousands of examples that only one model has right', () => {
    const { p, exact } = mcnemar(...answers(2, 2000))
    expect([p, exact]).toEqual([0, 0])
    expect(mcnemar(...answers(2000, 2000)).p).toBeCloseTo(1 - 0.5 * 0.012615, 5)
  })

  test('refuses different examples', () => {
    expect(() => mcnemar([true], [true, false])).toThrow(/1 and 2 examples cannot be compared/)
  })
})
