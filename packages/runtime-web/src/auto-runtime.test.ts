import type { Runtime, Session } from '@tp/core/runtime'
import { runtimeModels, testRuntime } from '@tp/core/testing'
import { autoRuntime, type RuntimeCandidate, type RuntimeTrial, wasmRuntime } from '@tp/runtime-web'
import { webgpuRuntime } from '@tp/runtime-web/webgpu'
import { describe, expect, test } from 'vitest'

const wasm = { runtime: wasmRuntime(), threads: 1 }

testRuntime(autoRuntime([wasm, { runtime: webgpuRuntime() }]), {}, { slowSize: 256 })

/** The same runtime with a pause before every run. Counts the sessions that are open. */
function slowed(runtime: Runtime, ms: number): Runtime & { open: number } {
  const slower = {
    ...runtime,
    open: 0,
    async load(...args: Parameters<Runtime['load']>): Promise<Session> {
      const session = await runtime.load(...args)
      slower.open += 1
      return {
        ...session,
        async run(...args) {
          await new Promise((resolve) => setTimeout(resolve, ms))
          return session.run(...args)
        },
        async dispose() {
          slower.open -= 1
          await session.dispose()
        },
      }
    },
  }
  return slower
}

function record(candidates: readonly RuntimeCandidate[]): {
  runtime: Runtime
  choices: [RuntimeCandidate, readonly RuntimeTrial[]][]
} {
  const choices: [RuntimeCandidate, readonly RuntimeTrial[]][] = []
  const runtime = autoRuntime(candidates, { onChoice: (...choice) => choices.push(choice) })
  return { runtime, choices }
}

const { sumModel, reshapeModel } = runtimeModels
const feeds = Object.fromEntries(
  ['a', 'b'].map((name) => [name, { type: 'float32', dims: [1, 1, 2], data: Float32Array.of(1, 2) }]),
)

describe('auto', () => {
  test.each([0, 1])('takes the faster of two, be it at %d, and disposes of the other', async (position) => {
    const slow = slowed(wasm.runtime, 40)
    const fast = slowed(wasm.runtime, 0)
    const candidates = [{ runtime: slow, threads: 1 }]
    candidates.splice(position, 0, { runtime: fast, threads: 1 })
    const { runtime, choices } = record(candidates)
    await using session = await runtime.load(sumModel)
    expect([fast.open, slow.open, choices.length]).toEqual([1, 1, 0])
    expect((await session.run(feeds)).y?.data).toEqual(Float32Array.of(2, 4))
    expect([fast.open, slow.open]).toEqual([1, 0])
    await session.run(feeds)
    expect(choices).toHaveLength(1)
    const [[chosen, trials]] = choices as [[RuntimeCandidate, readonly RuntimeTrial[]]]
    expect(chosen.runtime).toBe(fast)
    expect(trials.map(({ candidate }) => candidate)).toEqual(candidates)
    expect(trials.find(({ candidate }) => candidate.runtime === slow)?.ms).toBeGreaterThan(35)
    expect(trials.find(({ candidate }) => candidate.runtime === fast)?.ms).toBeLessThan(35)
  })

  test('excludes a candidate that cannot load, with its reason, and uses the last one unmeasured', async () => {
    const { runtime, choices } = record([{ runtime: webgpuRuntime() }, wasm])
    await using session = await runtime.load(sumModel)
    expect(choices).toMatchObject([[wasm, [{ problem: { code: 'TP_DEVICE' } }, { ms: undefined, problem: undefined }]]])
    expect((await session.run(feeds)).y?.data).toEqual(Float32Array.of(2, 4))
  })

  test('excludes a candidate that cannot run, with its reason', async () => {
    const failing: Runtime = {
      ...wasm.runtime,
      load: async (...args) => ({
        ...(await wasm.runtime.load(...args)),
        run: () => Promise.reject(new Error('no kernel')),
      }),
    }
    const { runtime, choices } = record([{ runtime: failing, threads: 1 }, wasm])
    await using session = await runtime.load(sumModel)
    expect((await session.run(feeds)).y?.data).toEqual(Float32Array.of(2, 4))
    expect(choices).toMatchObject([[wasm, [{ problem: { message: 'no kernel' } }, { problem: undefined }]]])
  })

  test('decides nothing on inputs on which all fail', async () => {
    const { runtime, choices } = record([wasm, { ...wasm, worker: true }])
    await using session = await runtime.load(reshapeModel)
    const x = { type: 'float32', dims: [6], data: new Float32Array(6) }
    const shape = (...sizes: bigint[]) => ({ type: 'int64', dims: [2], data: BigInt64Array.from(sizes) })
    await expect(session.run({ x, shape: shape(4n, 4n) })).rejects.toMatchObject({ code: 'TP_RUN' })
    expect(choices).toEqual([])
    expect((await session.run({ x, shape: shape(2n, 3n) })).y?.dims).toEqual([2, 3])
    expect(choices).toHaveLength(1)
  })

  test('gives the error of the first where no candidate can load', async () => {
    const loading = autoRuntime([wasm, { runtime: webgpuRuntime() }]).load(new Uint8Array(3))
    await expect(loading).rejects.toMatchObject({ code: 'TP_MODEL_LOAD' })
    expect(() => autoRuntime([])).toThrow(expect.objectContaining({ code: 'TP_OPTION' }))
  })
})
