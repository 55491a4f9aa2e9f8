import { describe, expect, test } from 'vitest'
import { calibratedOf, confidentOf, coverageOf, isMoreThan, shareText } from './coverage.ts'
import { flippedAnswers, flippedLosses, sentences } from './synthetic.ts'

const DRAWS = 200

describe('few draws from made-up answers', () => {
  test.each([
    { lost: 0, gained: 0 },
    { lost: 0.01, gained: 0.001 },
  ])('miss a loss by its intervals no more often than stated: $lost lost, $gained gained', (flips) => {
    const [dense, pruned] = flippedAnswers(flips)
    const { above, below, truth, widths } = coverageOf('loss', dense, pruned, DRAWS)
    expect(truth).toBeCloseTo(flips.lost - flips.gained, 9)
    expect([above, below].some((missed) => isMoreThan(missed, 0.025))).toBe(false)
    // Nothing seen is not nothing known.
    expect(widths[1]).toBeGreaterThan(0.005)
    expect(widths[0]).toBeGreaterThan(widths[1])
  })

  test('miss F1 by its intervals no more often than stated', () => {
    const [dense, pruned] = sentences(0.05)
    for (const { above, below } of [
      coverageOf('F1', dense, undefined, DRAWS),
      coverageOf('loss of F1', dense, pruned, DRAWS),
    ]) {
      expect([above, below].some((missed) => isMoreThan(missed, 0.025))).toBe(false)
    }
  })

  test('break a confident bound no more often than stated, whatever is verified', async () => {
    const losses = Array(17).fill(flippedLosses({ lost: 0.0502, gained: 0 }))
    const { broken } = await confidentOf({ name: 'six', losses }, { maxLoss: 5, confident: true }, [150], DRAWS)
    expect(isMoreThan(broken, 0.025)).toBe(false)
    const none = await confidentOf(
      { name: 'same', losses: [flippedLosses({ lost: 0, gained: 0 })] },
      { maxLoss: 5, confident: true },
      [24, 150],
      20,
    )
    // 24 examples are too few for any promise.
    expect([none.given.times, none.broken.times]).toEqual([10, 0])
  })

  test('keep the promise of a cascade', () => {
    const uncertainties = Array.from({ length: 2000 }, (_, i) => (i + 0.5) / 4000)
    const pruned = uncertainties.map((value) => [0, Math.log(value / (1 - value))])
    const dense = uncertainties.map((value, i) => (i % 10 < 10 * value ? [0, 1] : [1, 0]))
    const population = { name: 'made up', targets: [], dense, pruned: [{ name: 'pruned', logits: pruned }] }
    const { given, broken } = calibratedOf(population, 0, 0.95, DRAWS)
    // Of 24 examples it cannot be promised.
    expect(given.times).toBe((DRAWS * 4) / 5)
    expect(isMoreThan(broken, 0.05)).toBe(false)
  })
})

test('give a share its exact interval', () => {
  expect(shareText({ times: 0, of: 2000 })).toBe('0.0 % (0.0 … 0.2)')
  expect(isMoreThan({ times: 50, of: 2000 }, 0.025)).toBe(false)
  expect(isMoreThan({ times: 90, of: 2000 }, 0.025)).toBe(true)
})
