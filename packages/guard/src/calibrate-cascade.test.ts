import { binomialAtMost, randomNumbers as seeded } from '@tp/core/statistics'

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { uncertaintyOf } from './answer.ts'
import { agreementBound, type CalibratedCascade, calibrateCascade, expectedCost } from './calibrate-cascade.ts'

/** Two classes; `share` is the uncertainty of the pruned answer, which is class 0. */
const pruned = (share: number): number[] => [0, Math.log(share / (1 - share))]
const dense = (fails: boolean): number[] => (fails ? [0, 1] : [1, 0])

interface Drawn {
  readonly pruned: number[][]
  readonly dense: number[][]
}

/**
 * Examples of which the pruned answer differs the more often the more uncertain it is: uncertainty 0…½ uniform, failing with
 * probability `slope` · uncertainty. Below a threshold t there fail slope · t² of all inputs.
 */
function draw(count: number, slope: number, random: () => number): Drawn {
  const values = Array.from({ length: count }, () => Math.max(1e-9, random() / 2))
  return { pruned: values.map(pruned), dense: values.map((value) => dense(random() < slope * value)) }
}

const rateBelow = (threshold: number | null, slope: number): number => slope * Math.min(0.5, threshold ?? 0.5) ** 2

describe('calibration over many sets from a known distribution', () => {
  const DRAWS = 3000
  test.each([
    { examples: 300, agreement: 0.97, confidence: 0.9, slope: 0.6 },
    { examples: 500, agreement: 0.95, confidence: 0.95, slope: 0.8 },
    { examples: 400, agreement: 0.99, confidence: 0.95, slope: 0.1 },
  ])(
    'breaks $agreement no more often than promised, and not much less often',
    ({ examples, agreement, confidence, slope }) => {
      const random = seeded(7)
      let broken = 0
      for (let i = 0; i < DRAWS; i++) {
        const { threshold } = calibrateCascade({ ...draw(examples, slope, random), agreement, confidence })
        if (rateBelow(threshold, slope) > 1 - agreement) broken++
      }
      // what chance alone would exceed once in a thousand times
      const most = 1 - confidence
      expect(1 - binomialAtMost(broken - 1, DRAWS, most)).toBeGreaterThan(0.001)
      expect(broken / DRAWS).toBeGreaterThan(most / 4)
    },
  )

  test('fails on average as promised, and hardly less', () => {
    const random = seeded(8)
    const [agreement, slope, examples] = [0.95, 0.8, 200]
    let sum = 0
    for (let i = 0; i < DRAWS; i++) {
      const { threshold } = calibrateCascade({ ...draw(examples, slope, random), agreement, confidence: 'mean' })
      sum += rateBelow(threshold, slope)
    }
    expect(sum / DRAWS).toBeLessThan(0.05 + 0.001)
    expect(sum / DRAWS).toBeGreaterThan(0.05 - 2 / (examples + 1))
  })
})

const fields = { agreement: 0.9, confidence: 0.8 } as const

test('allows as many failures below the threshold as promised, and not one more', () => {
  const example = fc.record({ share: fc.integer({ min: 1, max: 9 }), fails: fc.boolean() })
  fc.assert(
    fc.property(fc.array(example, { minLength: 20, maxLength: 80 }), (examples) => {
      const calibration = {
        pruned: examples.map(({ share }) => pruned(share / 20)),
        dense: examples.map(({ fails }) => dense(fails)),
        ...fields,
      }
      const { threshold, remaining, disagreements, share } = calibrateCascade(calibration)
      const level = (failures: number): number => binomialAtMost(failures, examples.length, 0.1)
      const kept = calibration.pruned.map((row) => threshold === null || uncertaintyOf(row, 'probability') < threshold)
      expect(remaining).toBe(examples.filter(({ fails }, i) => fails && kept[i]).length)
      expect(level(remaining)).toBeLessThanOrEqual(0.2 + 1e-12)
      expect(share.estimate).toBeCloseTo(kept.filter((isKept) => !isKept).length / examples.length, 12)
      if (threshold === null) {
        expect(remaining).toBe(disagreements)
        return
      }
      const next = examples.filter(({ fails }, i) => {
        return fails && uncertaintyOf(calibration.pruned[i] as number[], 'probability') <= threshold
      })
      expect(level(next.length)).toBeGreaterThan(0.2 - 1e-12)
    }),
  )
})

test('refuses too few examples, and says how many are needed', () => {
  const examples = (count: number): Drawn => draw(count, 0, seeded(1))
  const promise = { agreement: 0.99, confidence: 0.95 }
  const calibrate = (count: number, other: object = {}): CalibratedCascade =>
    calibrateCascade({ ...examples(count), ...promise, ...other })
  expect(() => calibrate(298)).toThrow(expect.objectContaining({ code: 'TP_CALIBRATION' }))
  expect(() => calibrate(298)).toThrow('at least 299')
  expect(calibrate(299)).toMatchObject({ threshold: null, disagreements: 0, share: { estimate: 0 } })
  expect(() => calibrate(98, { confidence: 'mean' })).toThrow('at least 99')
  expect(calibrate(99, { confidence: 'mean' }).threshold).toBeNull()
})

test('sends inputs without a number to the fallback, so that they do not fail', () => {
  const { pruned: rows, dense: others } = draw(100, 0, seeded(2))
  const broken = rows.map((row, i) => (i < 60 ? [Number.NaN, 0] : row))
  expect(calibrateCascade({ pruned: broken, dense: others, ...fields })).toMatchObject({
    threshold: null,
    disagreements: 0,
    share: { estimate: 0.6 },
  })
})

test('counts a pruned run for every input and a dense one for those that fall back', () => {
  expect(expectedCost({ estimate: 0.2, low: 0.1, high: 0.3 }, 2)).toEqual({ estimate: 0.7, low: 0.6, high: 0.8 })
  const { cost, share } = calibrateCascade({ ...draw(200, 0.9, seeded(3)), ...fields, speedup: 4 })
  expect(cost).toMatchObject({ speedup: 4, estimate: 0.25 + share.estimate })
  expect(() => expectedCost({ estimate: 0, low: 0, high: 0 }, 0)).toThrow(
    expect.objectContaining({ code: 'TP_OPTION' }),
  )
})

test('estimates agreement from a test set, with the lowest value at the confidence', () => {
  expect(agreementBound(0, 299).low).toBeCloseTo(1 - 0.0099692, 6)
  expect(agreementBound(5, 100)).toMatchObject({ estimate: 0.95 })
})

test.each([{ agreement: 1 }, { agreement: 0 }, { confidence: 1 }, { confidence: 0 }])(
  'refuses %o as a promise',
  (promise) => {
    const calibration = { ...draw(400, 0, seeded(1)), agreement: 0.9, ...promise }
    expect(() => calibrateCascade(calibration)).toThrow(expect.objectContaining({ code: 'TP_OPTION' }))
  },
)

test('refuses to compare answers to different examples', () => {
  const { pruned: rows, dense: others } = draw(100, 0, seeded(1))
  const problem = expect.objectContaining({ code: 'TP_OPTION' })
  expect(() => calibrateCascade({ pruned: rows, dense: others.slice(1), agreement: 0.9 })).toThrow(problem)
  expect(() => calibrateCascade({ pruned: [], dense: [], agreement: 0.9 })).toThrow(problem)
})
