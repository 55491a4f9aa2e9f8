import { randomNumbers } from '@tp/core/statistics'
import { describe, expect, test } from 'vitest'
import type { Losses } from './answers.ts'
import { fewestToBeConfident } from './loss.ts'
import { verifyInSequence } from './verify.ts'

/** Losses of so many examples, of which the first lose. */
const losing = (examples: number, lost: number): Losses => ({
  labeled: Array.from({ length: examples }, (_, i) => (i < lost ? 100 : 0)),
  expected: Array.from({ length: examples }, (_, i) => (i < lost ? 50 : 0)),
})

const verify = (lost: readonly number[], maxLoss: number, examples = 400) => {
  const looked: number[] = []
  const found = verifyInSequence(maxLoss, lost, async (count) => {
    looked.push(count)
    return losing(examples, count)
  })
  return found.then((last) => ({ looked, taken: last?.candidate, loss: last?.loss }))
}

describe('verification in fixed sequence', () => {
  test('tests candidates from the slowest on, and takes the last one that holds', async () => {
    const { looked, taken, loss } = await verify([30, 9, 3, 3, 2], 5)
    expect(looked).toEqual([2, 3, 9, 30])
    expect(taken).toBe(9)
    expect(loss?.labeled?.estimate).toBe(2.25)
  })

  test('does not take one that holds after a failure, which would be a second try', async () => {
    expect(await verify([2, 30, 3], 5)).toMatchObject({ looked: [3, 30], taken: 3 })
    expect(await verify([0, 0, 30], 5)).toMatchObject({ looked: [30], taken: undefined })
  })

  test('requires the whole interval within the allowed loss', async () => {
    const { taken, loss } = await verify([4, 1, 0], 2)
    expect(taken).toBe(1)
    expect(loss?.labeled?.high).toBeLessThanOrEqual(2)
    expect(loss?.expected.high).toBeLessThanOrEqual(2)
  })

  test('does not conclude a small loss from 24 identical answers', async () => {
    expect(await verify([0], 1, 24)).toMatchObject({ looked: [0], taken: undefined })
    expect(await verify([0], 1, fewestToBeConfident(1))).toMatchObject({ taken: 0 })
    expect(await verify([0], 1, fewestToBeConfident(1) - 1)).toMatchObject({ taken: undefined })
  })
})

test('breaks a promise in at most 2.5 % of draws, though six candidates all lose a little more than promised', async () => {
  const random = randomNumbers(6)
  const draws = 300
  let broken = 0
  for (let draw = 0; draw < draws; draw++) {
    const examples = 250
    const lossesOf = async (): Promise<Losses> => {
      const labeled = Array.from({ length: examples }, () => (random() < 0.0301 ? 100 : 0))
      return { labeled, expected: labeled.map((loss) => loss / 2) }
    }
    const found = await verifyInSequence(3, Array(20).fill(0), lossesOf)
    if (found !== undefined) broken++
  }
  // 7.5 are expected at most; 16 come once in two hundred times.
  expect(broken).toBeLessThanOrEqual(16)
})
