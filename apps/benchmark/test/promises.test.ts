import { randomNumbers } from '@tp/core/statistics'
import { answerOf } from '@tp/guard'
import { expectedLosses, type Figure } from '@tp/metrics'
import type { Losses } from '@tp/optimize'
import { nodeRuntime } from '@tp/runtime-node'
import { describe, expect, test } from 'vitest'
import { sharedPath } from '../src/files.ts'
import { rightOf } from '../src/measure/answers.ts'
import { subjects } from '../src/registry/subjects.ts'
import { type Population, type PopulationSource, populationOf, similarities, sources } from './populations.ts'
import { calibratedOf, confidentOf, coverageOf, isMoreThan, type PromisedPruning, shareText } from './promises.ts'

/** Shares of the examples that pruning loses and gains. */
interface Flips {
  readonly lost: number
  readonly gained: number
}

/** From none to many, also far more of one kind. */
const FLIPS: readonly Flips[] = [0, 0.001, 0.01, 0.05].flatMap((lost) =>
  [0, 0.001, 0.01, 0.05].map((gained) => ({ lost, gained })),
)

const EXAMPLES = 10_000

/** Right answers of a dense and a pruned model, with just these shares of flips. */
function flippedAnswers({ lost, gained }: Flips): readonly [dense: Figure, pruned: Figure] {
  const of = (isRight: (at: number) => boolean): Figure => ({
    got: Array.from({ length: EXAMPLES }, (_, i) => Number(isRight(i / EXAMPLES))),
    share: true,
  })
  return [of((at) => at < lost || at >= lost + gained), of((at) => at >= lost)]
}

/**
 * The same as losses in points; what the dense model believes of them is half of what labels say, so that these decide.
 * @param from where among the examples the flips begin, 0 … 1
 */
function flippedLosses({ lost, gained }: Flips, from = 0): Losses {
  const labeled = Array.from({ length: EXAMPLES }, (_, i) => {
    const at = (i / EXAMPLES + 1 - from) % 1
    return at < lost ? 100 : at < lost + gained ? -100 : 0
  })
  return { labeled, expected: labeled.map((loss) => Math.max(0, loss) / 2) }
}

/** F1 of sentences of one to forty entities, some of them bad ones, and with more of them wrong. */
function sentences(rate: number): readonly [dense: Figure, pruned: Figure] {
  const random = randomNumbers(9)
  const [before, after, of]: [number[], number[], number[]] = [[], [], []]
  for (let i = 0; i < EXAMPLES; i++) {
    const entities = 1 + Math.floor(40 * random() ** 2)
    const right = random() < rate ? 0.5 : 1 - rate / 4
    const hits = Array.from({ length: entities }, () => random() < right).filter(Boolean).length
    const lost = random() < rate ? 1 + Math.floor(random() * hits) : 0
    before.push(2 * hits)
    after.push(2 * Math.max(0, hits - lost))
    of.push(2 * entities)
  }
  return [
    { got: before, of, share: true },
    { got: after, of, share: true },
  ]
}

/** Examples to verify on; `confident` verifies on two fifths of what it is given. */
const VERIFIED = [24, 60, 150, 400, 1000]

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
    const { broken } = await confidentOf({ name: 'six', losses }, 5, [150], DRAWS)
    expect(isMoreThan(broken, 0.025)).toBe(false)
    const none = await confidentOf({ name: 'same', losses: [flippedLosses({ lost: 0, gained: 0 })] }, 5, [24, 150], 20)
    // 24 examples are too few for any promise.
    expect([none.promised.times, none.broken.times]).toEqual([10, 0])
  })

  test('keep the promise of a cascade', async () => {
    const uncertainties = Array.from({ length: 2000 }, (_, i) => (i + 0.5) / 4000)
    const pruned = uncertainties.map((value) => [0, Math.log(value / (1 - value))])
    const dense = uncertainties.map((value, i) => (i % 10 < 10 * value ? [0, 1] : [1, 0]))
    const population = { name: 'made up', targets: [], dense, pruned: [{ name: 'pruned', logits: pruned }] }
    const { promised, broken } = await calibratedOf(population, 0, 0.95, DRAWS)
    // Of 24 examples it cannot be promised.
    expect(promised.times).toBe((DRAWS * 4) / 5)
    expect(isMoreThan(broken, 0.05)).toBe(false)
  })
})

/** docs/results/promises.md has the figures of these as they were measured once. */
describe('2,000 draws from made-up answers', { tags: 'exhaustive', timeout: 600_000 }, () => {
  const MANY = 2000

  test.each(FLIPS)('miss a loss by its intervals no more often than stated: $lost lost, $gained gained', (flips) => {
    const { above, below } = coverageOf('loss', ...flippedAnswers(flips), MANY)
    expect([above, below].some((missed) => isMoreThan(missed, 0.025))).toBe(false)
  })

  test.each([0.001, 0.01, 0.05, 0.2])('miss F1 no more often than stated where %f of the sentences are bad', (rate) => {
    const [dense, pruned] = sentences(rate)
    for (const second of [undefined, pruned]) {
      const { above, below } = coverageOf('F1', dense, second, MANY)
      expect([above, below].some((missed) => isMoreThan(missed, 0.025))).toBe(false)
    }
  })

  // Candidates that all lose a little more than is promised, each on examples of its own; six are looked at.
  test.each([
    [1, 0],
    [1, 0.01],
    [2, 0.001],
    [5, 0],
    [5, 0.05],
  ])('break a confident bound of %f points no more often than stated: %f gained', async (maxLoss, gained) => {
    const flips = { lost: maxLoss / 100 + gained + 0.0002, gained }
    const losses = Array.from({ length: 17 }, (_, i) => flippedLosses(flips, i / 17))
    const { broken } = await confidentOf({ name: 'six', losses }, maxLoss, VERIFIED, MANY)
    expect(isMoreThan(broken, 0.025)).toBe(false)
  })
})

test('give a share its exact interval', () => {
  expect(shareText({ times: 0, of: 2000 })).toBe('0.0 % (0.0 … 0.2)')
  expect(isMoreThan({ times: 50, of: 2000 }, 0.025)).toBe(false)
  expect(isMoreThan({ times: 90, of: 2000 }, 0.025)).toBe(true)
})

/** docs/results/promises.md has the figures of these as they were measured once. */
describe('2,000 draws from what models answer', { tags: 'exhaustive', timeout: 1_800_000 }, async () => {
  const MANY = 2000
  const runtime = nodeRuntime()
  const context = { runtime, shared: sharedPath, found: () => undefined, onProgress: () => {} }

  test.each(sources.filter(isPresent))('keep the promises on %s', async (...source) => {
    const population = await populationOf(context, source)
    const { targets, dense, pruned } = population
    const figureOf = (logits: Population['dense']): Figure => ({ got: rightOf(logits, targets), share: true })
    for (const second of [undefined, ...pruned.map(({ logits }) => figureOf(logits))]) {
      const { above, below } = coverageOf('accuracy or loss', figureOf(dense), second, MANY)
      expect([above, below].some((missed) => isMoreThan(missed, 0.025))).toBe(false)
    }
    for (const maxLoss of [1, 2, 5]) {
      const { broken } = await confidentOf(prunedOf(population), maxLoss, VERIFIED, MANY)
      expect(isMoreThan(broken, 0.025)).toBe(false)
    }
    for (const agreement of [0.99, 0.95]) {
      const { broken } = await calibratedOf(population, pruned.length - 1, agreement, MANY)
      expect(isMoreThan(broken, 0.05)).toBe(false)
    }
  })

  test('miss what is true of vectors by their intervals no more often than stated', async () => {
    for (const [name, figure] of Object.entries(await similarities(context))) {
      const { above, below } = coverageOf(name, figure, undefined, MANY)
      expect(
        [above, below].some((missed) => isMoreThan(missed, 0.025)),
        name,
      ).toBe(false)
    }
  })
})

function isPresent([name]: PopulationSource): boolean {
  try {
    return subjects[name].files({ shared: sharedPath, runtime: nodeRuntime() }) !== undefined
  } catch {
    return false
  }
}

function prunedOf({ name, targets, dense, pruned }: Population): PromisedPruning {
  const before = rightOf(dense, targets)
  const model = { logits: Float32Array.from(dense.flat()), classes: dense[0]?.length ?? 0 }
  const losses = pruned.toReversed().map(({ logits }): Losses => {
    const after = rightOf(logits, targets)
    return {
      labeled: before.map((right, i) => 100 * (right - (after[i] as number))),
      expected: expectedLosses(model, logits.map(answerOf)),
    }
  })
  return { name, losses }
}
