import { randomNumbers } from '@tp/core/statistics'
import { mean } from '@tp/metrics'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Losses } from '../judging/answers.ts'
import { lossOf, seemsWithin } from '../judging/loss.ts'
import { fastestConfirmed, fastestThatHolds, firstThatHolds, type TimedDivergence } from './frontier.ts'

const candidates = fc.array(
  fc
    .record({ ms: fc.nat(20), divergence: fc.nat(20), isSafe: fc.boolean() })
    .map((own) => ({ ...own, candidate: own })),
)

describe('the choice along the frontier', () => {
  test('finds a candidate that holds wherever there is one', async () => {
    await fc.assert(
      fc.asyncProperty(candidates, async (measured) => {
        const found = await fastestThatHolds(measured, async ({ isSafe }) => isSafe)
        expect(found !== undefined).toBe(measured.some(({ candidate }) => candidate.isSafe))
        expect(found?.isSafe ?? true).toBe(true)
      }),
    )
  })

  test('finds the fastest that holds if moving the answers less also loses less', async () => {
    await fc.assert(
      fc.asyncProperty(candidates, fc.nat(20), async (measured, limit) => {
        const holds = ({ divergence }: { readonly divergence: number }): boolean => divergence <= limit
        const found = await fastestThatHolds(measured, async (own) => holds(own))
        const times = measured.filter(({ candidate }) => holds(candidate)).map(({ ms }) => ms)
        expect(found?.ms).toBe(times.length === 0 ? undefined : Math.min(...times))
      }),
    )
  })

  test('takes a safer one where other examples do not confirm the fastest, twice at most', async () => {
    const measured = [0, 1, 2, 3].map((ms) => ({ ms, divergence: 3 - ms, candidate: ms }))
    const confirmedFrom = async (first: number) =>
      await fastestConfirmed(
        measured,
        async () => true,
        async (candidate) => candidate >= first,
      )
    expect(await confirmedFrom(0)).toEqual({ candidate: 0, rejected: 0 })
    expect(await confirmedFrom(1)).toEqual({ candidate: 1, rejected: 1 })
    expect(await confirmedFrom(4)).toEqual({ candidate: 2, rejected: 2 })
    const [fastest] = measured
    expect(
      await fastestConfirmed(
        fastest ? [fastest] : [],
        async () => true,
        async () => false,
      ),
    ).toBeUndefined()
  })

  test('does not take a fast one that holds by chance among others that fail', async () => {
    const holding = new Set([0, 5, 6])
    const measured = Array.from(
      { length: 7 },
      (_, i): TimedDivergence<number> => ({ candidate: i, ms: i, divergence: 7 - i }),
    )
    expect(await fastestThatHolds(measured, async (candidate) => holding.has(candidate))).toBe(5)
  })
})

test('finds the first that holds of a thousand in ten tests, and in fewer from a good estimate', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(1000), fc.option(fc.nat(8), { nil: undefined }), async (first, off) => {
      let tests = 0
      const holds = async (place: number): Promise<boolean> => {
        tests++
        return place >= first
      }
      const start = off === undefined ? undefined : Math.min(first + off, 999)
      const places = Array.from({ length: 1000 }, (_, i) => i)
      expect(await firstThatHolds(places, holds, start)).toBe(first)
      expect(tests).toBeLessThanOrEqual(start === undefined ? 10 : 9)
    }),
  )
})

/** Examples whose more uncertain answers turn first: by candidate, the loss of each. */
function drawnExamples(random: () => number, count: number, strengths: readonly number[]) {
  return Array.from({ length: count }, () => {
    const margin = random()
    const noise = 0.5 + random()
    const isRight = random() < (1 + margin) / 2
    return strengths.map((strength) => {
      const turns = margin < strength * noise
      return {
        expected: turns ? 100 * margin : 0,
        labeled: turns ? (isRight ? 100 : -100) : 0,
        divergence: strength * noise,
      }
    })
  })
}

test('finds something in every draw, and its 95 % interval covers the true loss in 95 % of them, though the same examples choose', async () => {
  const random = randomNumbers(11)
  const strengths = Array.from({ length: 16 }, (_, i) => 0.4 * 0.8 ** i)
  const population = drawnExamples(random, 20_000, strengths)
  const truth = strengths.map((_, own) => mean(population.map((example) => example[own]?.expected as number)))
  const tolerance = { maxLoss: 1, confident: false }
  const draws = 300
  let [covered, far, speed] = [0, 0, 0]
  const best = truth.findIndex((loss) => loss <= 1)
  for (let draw = 0; draw < draws; draw++) {
    const some = Array.from({ length: 150 }, () => population[Math.floor(random() * population.length)])
    const lossesOf = (own: number): Losses => ({
      labeled: some.map((example) => example?.[own]?.labeled as number),
      expected: some.map((example) => example?.[own]?.expected as number),
    })
    const measured = strengths.map((strength, candidate) => ({ candidate, ms: 1 - strength, divergence: strength }))
    const found = (await fastestThatHolds(measured, async (own) => seemsWithin(tolerance, lossesOf(own)))) as number
    const { low, high } = lossOf(lossesOf(found)).expected
    covered += Number(low <= (truth[found] as number) && (truth[found] as number) <= high)
    far += Number((truth[found] as number) > 1.5)
    speed += (1 - (strengths[best] as number)) / (1 - (strengths[found] as number))
  }
  expect(covered / draws).toBeGreaterThanOrEqual(0.95)
  expect(far / draws).toBeLessThanOrEqual(0.05)
  expect(speed / draws).toBeGreaterThan(0.95)
})
