import { type NamedTensors, openSession, type Session } from '@tp/core/runtime'
import { runtimeModels } from '@tp/core/testing'
import { nodeRuntime } from '@tp/runtime-node'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type SteppedSession, timeInTurns } from './time-in-turns.ts'

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
    close: async () => {},
  })
}

const noInputs: NamedTensors = {}

describe('timeInTurns, by known times', () => {
  withOwnTime()

  test('gives the known speed-up of known times', async () => {
    const { rounds, latencies } = await timeInTurns([takes(4), takes(2), takes(4)], [noInputs, noInputs], {
      rounds: 15,
    })
    expect(rounds).toBe(15)
    expect(latencies).toMatchObject([
      { p50Ms: 4, p90Ms: 4, totalMs: 8, speedup: { value: 1, low: 1, high: 1 } },
      { p50Ms: 2, p90Ms: 2, totalMs: 4, speedup: { value: 2, low: 2, high: 2 } },
      { p50Ms: 4, p90Ms: 4, totalMs: 8, speedup: { value: 1, low: 1, high: 1 } },
    ])
  })

  test('ends once the intervals of all speeds are as narrow as asked', async () => {
    const steady = await timeInTurns([takes(4), takes(2)], [noInputs], { rounds: 100, width: 0.02 })
    expect(steady).toMatchObject({ rounds: 12, latencies: [{}, { speedup: { value: 2 } }] })
    let run = 0
    const unsteady = takes(2, () => {
      now += run++ % 2
    })
    expect((await timeInTurns([takes(4), unsteady], [noInputs], { rounds: 100, width: 0.02 })).rounds).toBe(100)
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
    const sessions = [stepped('d', [4, 1, 1]), stepped('s', [3]), takes(3, () => log.push('p'))]
    const { latencies } = await timeInTurns(sessions, [noInputs], { rounds: 1 })
    // One run of each to warm up, of which the last alone keeps a log.
    expect(log.join('')).toBe('pdspdd')
    expect(latencies.map(({ totalMs }) => totalMs)).toEqual([6, 3, 3])
  })

  test('ends at its budget, but never before the third round', async () => {
    const short = await timeInTurns([takes(5)], [noInputs], { budgetMs: 1 })
    expect(short.rounds).toBe(3)
    const longer = await timeInTurns([takes(5)], [noInputs], { budgetMs: 100, rounds: 1000 })
    // One of twenty runs is to warm up.
    expect(longer.rounds).toBe(19)
  })
})

describe('timeInTurns', () => {
  test('finds that a quarter of the rows in each of 24 products is faster in real sessions', async () => {
    await using whole = await nodeRuntime().load(runtimeModels.slowModel, { threads: 1 })
    await using part = await nodeRuntime().load(runtimeModels.slowModel, { threads: 1 })
    const square = (size: number): NamedTensors => ({
      x: { type: 'float32', dims: [size, size], data: new Float32Array(size * size) },
    })
    const { latencies } = await timeInTurns([whole, part], [square(256)], {
      rounds: 15,
      inputsOf: [undefined, [square(128)]],
    })
    // An eighth of the operations, on a machine that may be busy with others.
    expect(latencies[1]?.speedup.value).toBeGreaterThan(1)
  })

  test('runs all variants in turn on every input, each first equally often', async () => {
    const turns: string[] = []
    const names = ['a', 'b', 'c']
    const sessions = names.map((name) => takes(0, () => turns.push(name)))
    await timeInTurns(sessions, [noInputs, noInputs], { rounds: 6 })
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
    const run = timeInTurns([takes(0)], [noInputs], { rounds: 10, signal: controller.signal, onProgress })
    await expect(run).rejects.toMatchObject({ code: 'TP_ABORTED' })
    expect(seen).toEqual([1, 2])
  })

  test.each([
    ['no sessions', [], [noInputs], {}],
    ['no inputs', [takes(0)], [], {}],
    ['no rounds', [takes(0)], [noInputs], { rounds: 0 }],
    ['no budget', [takes(0)], [noInputs], { budgetMs: 0 }],
    ['too few inputs of its own', [takes(0)], [noInputs], { inputsOf: [[]] }],
  ])('refuses %s', async (_name, sessions, inputs, options) => {
    await expect(timeInTurns(sessions, inputs, options)).rejects.toMatchObject({ code: 'TP_OPTION' })
  })
})
