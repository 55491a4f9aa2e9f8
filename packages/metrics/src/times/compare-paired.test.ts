import { type NamedTensors, openSession, type Session } from '@tp/core/runtime'
import { runtimeModels } from '@tp/core/testing'
import { nodeRuntime } from '@tp/runtime-node'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { comparePaired, medianInterval, pairedSpeedup, type SteppedSession } from './compare-paired.ts'

/** Time that only sessions with known times let pass, so that no load on the machine changes what is measured. */
function withOwnTime(): void {
  beforeEach(() => {
    now = 0
    vi.spyOn(performance, 'now').mockImplementation(() => now)
  })
  afterEach(() => void vi.restoreAllMocks())
}

let now = 0

/** A session without a model that takes a known time. */
function takes(ms: number, onRun: () => void = () => {}): Session {
  return openSession(`takes ${ms} ms`, {
    inputs: [],
    outputs: [],
    async run() {
      onRun()
      now += ms
      return {}
    },
    endProfile: async () => undefined,
    close: async () => {},
  })
}

const noInputs: NamedTensors = {}

describe('comparePaired, by known times', () => {
  withOwnTime()

  test('gives the known speed-up of known times', async () => {
    const sessions = { dense: takes(4), half: takes(2), same: takes(4) }
    const { rounds, variants } = await comparePaired(sessions, [noInputs, noInputs], { rounds: 15 })
    expect(rounds).toBe(15)
    expect(Object.keys(variants)).toEqual(['dense', 'half', 'same'])
    expect(variants.dense?.speedup).toEqual({ value: 1, low: 1, high: 1 })
    expect(variants.half?.speedup).toEqual({ value: 2, low: 2, high: 2 })
    expect(variants.same?.speedup).toEqual({ value: 1, low: 1, high: 1 })
    for (const [name, ms] of [
      ['dense', 4],
      ['half', 2],
    ] as const) {
      expect(variants[name]).toMatchObject({ p50Ms: ms, p90Ms: ms, totalMs: 2 * ms })
    }
  })

  test('takes turns step by step, whatever a step of another variant takes', async () => {
    const log: string[] = []
    const stepped = (name: string, steps: readonly number[]): SteppedSession => ({
      ...takes(steps.reduce((a, b) => a + b)),
      async *steps() {
        for (const ms of steps) {
          log.push(name)
          now += ms
          yield
        }
      },
    })
    const sessions = { dense: stepped('d', [4, 1, 1]), short: stepped('s', [3]), plain: takes(3, () => log.push('p')) }
    const { variants } = await comparePaired(sessions, [noInputs], { rounds: 1 })
    // One run of each to warm up, of which `plain` alone keeps a log.
    expect(log.join('')).toBe('pdspdd')
    expect(Object.values(variants).map(({ totalMs }) => totalMs)).toEqual([6, 3, 3])
  })

  test('ends at its budget, but never before the third round', async () => {
    const short = await comparePaired({ a: takes(5) }, [noInputs], { budgetMs: 1 })
    expect(short.rounds).toBe(3)
    const longer = await comparePaired({ a: takes(5) }, [noInputs], { budgetMs: 100, rounds: 1000 })
    // One of twenty runs is to warm up.
    expect(longer.rounds).toBe(19)
  })
})

describe('comparePaired', () => {
  test('finds that a quarter of the rows in each of 24 products is faster in real sessions', async () => {
    await using whole = await nodeRuntime().load(runtimeModels.slowModel, { threads: 1 })
    await using part = await nodeRuntime().load(runtimeModels.slowModel, { threads: 1 })
    const square = (size: number): NamedTensors => ({
      x: { type: 'float32', dims: [size, size], data: new Float32Array(size * size) },
    })
    const { variants } = await comparePaired({ whole, part }, [square(256)], {
      rounds: 15,
      inputsOf: { part: [square(128)] },
    })
    // An eighth of the operations, on a machine that may be busy with others.
    expect(variants.part?.speedup.value).toBeGreaterThan(1)
  })

  test('runs all variants in turn on every input, each first equally often', async () => {
    const turns: string[] = []
    const names = ['a', 'b', 'c']
    const sessions = Object.fromEntries(names.map((name) => [name, takes(0, () => turns.push(name))]))
    await comparePaired(sessions, [noInputs, noInputs], { rounds: 6 })
    const warmUp = 6
    const groups = Array.from({ length: 12 }, (_, i) => turns.slice(warmUp + 3 * i, warmUp + 3 * i + 3))
    for (const group of groups) expect(group.toSorted()).toEqual(names)
    for (const name of names) expect(groups.filter(([first]) => first === name)).toHaveLength(4)
    expect(turns).toHaveLength(warmUp + 36)
  })

  test('reports progress and stops at the signal', async () => {
    const controller = new AbortController()
    const seen: number[] = []
    const onProgress = (done: number, rounds: number) => {
      seen.push(done)
      expect(rounds).toBe(10)
      if (done === 2) controller.abort()
    }
    const run = comparePaired({ a: takes(0) }, [noInputs], { rounds: 10, signal: controller.signal, onProgress })
    await expect(run).rejects.toMatchObject({ code: 'TP_ABORTED' })
    expect(seen).toEqual([1, 2])
  })

  test.each([
    ['no sessions', {}, [noInputs], {}],
    ['no inputs', { a: takes(0) }, [], {}],
    ['no rounds', { a: takes(0) }, [noInputs], { rounds: 0 }],
    ['no budget', { a: takes(0) }, [noInputs], { budgetMs: 0 }],
    ['inputs of an unknown variant', { a: takes(0) }, [noInputs], { inputsOf: { b: [noInputs] } }],
    ['too few inputs of its own', { a: takes(0) }, [noInputs], { inputsOf: { a: [] } }],
  ])('refuses %s', async (_name, sessions, inputs, options) => {
    await expect(comparePaired(sessions, inputs, options)).rejects.toMatchObject({ code: 'TP_OPTION' })
  })
})

// Ranks as in published tables of confidence intervals for the median (95 %, sign test).
test.each([
  [3, 1],
  [5, 1],
  [6, 1],
  [8, 1],
  [9, 2],
  [10, 2],
  [20, 6],
  [25, 8],
  [50, 18],
])('the interval of the median of %d values starts at the one of rank %d', (n, rank) => {
  const values = Array.from({ length: n }, (_, i) => i + 1).reverse()
  expect(medianInterval(values)).toEqual({ low: rank, high: n + 1 - rank })
})

describe('pairedSpeedup', () => {
  withOwnTime()

  test('returns the median of ratios within rounds, not the ratio of medians', () => {
    const [slow, fast] = [
      [10, 20, 40],
      [5, 10, 10],
    ]
    expect(pairedSpeedup(slow, fast)).toEqual({ value: 2, low: 2, high: 4 })
  })

  test('keeps the comparison of the first, and gives two others their own', async () => {
    const { variants } = await comparePaired({ a: takes(4), b: takes(4), c: takes(1) }, [noInputs], { rounds: 9 })
    const rounds = (name: string): readonly number[] => variants[name]?.roundsMs ?? []
    expect(rounds('a')).toHaveLength(9)
    expect(pairedSpeedup(rounds('a'), rounds('b'))).toEqual(variants.b?.speedup)
    expect(pairedSpeedup(rounds('b'), rounds('c'))).toEqual({ value: 4, low: 4, high: 4 })
  })

  test('refuses times that are not paired', () => {
    expect(() => pairedSpeedup([1, 2], [1])).toThrow('times of 2 and 1 rounds do not pair')
    expect(() => pairedSpeedup([], [])).toThrow('times of 0 and 0 rounds')
  })
})
