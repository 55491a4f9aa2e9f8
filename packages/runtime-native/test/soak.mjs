// Mixed load for a while: node test/soak.mjs --minutes 10. Sessions come and go, also undisposed and in workers that are ended; runs
// differ in size, fail, and are aborted; every result is checked. Prints memory every minute.

import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { isMainThread, Worker } from 'node:worker_threads'
import { runtimeModels } from '@tp/core/testing'
import { nativeRuntime } from '@tp/runtime-native'
import { attentionModel } from './operator-model.mjs'

const { slowModel, sumModel } = runtimeModels
const packed = attentionModel(['keyBias'])
const random = (/** @type {number} */ end) => Math.floor(Math.random() * end)
const pause = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms))
const counts = { runs: 0, aborted: 0, refused: 0, sessions: 0, workers: 0 }

/** @param {number[]} dims @param {(i: number) => number} at */
function float32(dims, at) {
  const size = dims.reduce((product, dim) => product * dim, 1)
  return { type: 'float32', dims, data: Float32Array.from({ length: size }, (_, i) => at(i)) }
}

/** @param {boolean} isRight @param {string} what */
function check(isRight, what) {
  if (!isRight) throw new Error(`${what} is wrong`)
}

/** @typedef {import('@tp/core/runtime').Session} Session */

/** @type {Record<string, { model: Uint8Array, run(session: Session, signal?: AbortSignal): Promise<void> }>} */
const kinds = {
  sum: {
    model: sumModel,
    async run(session, signal) {
      const dims = [1 + random(8), random(2000), 2]
      const [a, b] = [random(100), random(100)]
      const feeds = { a: float32(dims, () => a), b: float32(dims, () => b) }
      const { y } = await session.run(feeds, signal && { signal })
      check(y?.data.every((/** @type {unknown} */ value) => value === a + b) === true, 'a sum')
    },
  },
  slow: {
    model: slowModel,
    async run(session, signal) {
      const size = 1 + random(400)
      const feeds = { x: float32([size, size], (i) => (i % (size + 1) === 0 ? 1 : 0)) }
      const { y } = await session.run(feeds, signal && { signal })
      check(
        y?.data.every((/** @type {unknown} */ v, /** @type {number} */ i) => v === feeds.x.data[i]) === true,
        'a power',
      )
    },
  },
  packed: {
    model: packed,
    // Values that are the same within a row have themselves for mean.
    async run(session, signal) {
      const offsets = [0]
      for (let row = 1 + random(16); row > 0; row--)
        offsets.push((offsets.at(-1) ?? 0) + 1 + random(row % 4 === 0 ? 300 : 20))
      const tokens = offsets.at(-1) ?? 0
      const [heads, dim] = [1 + random(4), 1 + random(80)]
      const rowOf = Array.from({ length: tokens }, (_, t) => offsets.filter((begin) => begin <= t).length)
      const value = (/** @type {number} */ i) => rowOf[Math.floor(i / dim) % tokens] ?? 0
      const feeds = {
        query: float32([1, heads, tokens, dim], () => Math.random()),
        key: float32([1, heads, tokens, dim], () => Math.random()),
        value: float32([1, heads, tokens, dim], value),
        offsets: { type: 'int64', dims: [offsets.length], data: BigInt64Array.from(offsets, BigInt) },
        keyBias: float32([1, tokens], () => Math.random()),
      }
      const { context } = await session.run(feeds, signal && { signal })
      const isMean = (/** @type {number} */ seen, /** @type {number} */ i) => Math.abs(seen - value(i)) < 1e-3
      check(/** @type {Float32Array | undefined} */ (context?.data)?.every(isMean) === true, 'a packed attention')
    },
  },
}

/** @param {number} until */
async function useSessions(until) {
  while (performance.now() < until) {
    const kind = /** @type {(typeof kinds)[string]} */ (Object.values(kinds)[random(3)])
    const atOnce = 1 + random(3)
    const session = await nativeRuntime({ atOnce, waiting: 20 }).load(kind.model, { threads: 1 + random(2) })
    counts.sessions += 1
    for (let round = random(20); round > 0; round--) {
      const runs = Array.from({ length: 1 + random(30) }, async () => {
        const controller = random(5) === 0 ? new AbortController() : undefined
        if (controller !== undefined) setTimeout(() => controller.abort(), random(30))
        try {
          await kind.run(session, controller?.signal)
          counts.runs += 1
        } catch (error) {
          const { code } = /** @type {{ code?: string }} */ (error)
          if (code === 'TP_ABORTED') counts.aborted += 1
          else if (code === 'TP_BUSY') counts.refused += 1
          else throw error
        }
      })
      await Promise.all(runs)
    }
    // One in four is left to the garbage collector.
    if (random(4) > 0) await session.dispose()
  }
}

/** @param {number} until */
async function useWorkers(until) {
  while (performance.now() < until) {
    const worker = new Worker(new URL(import.meta.url))
    await pause(500 + random(3000))
    await worker.terminate()
    counts.workers += 1
  }
}

if (isMainThread) {
  const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } })
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc')
  const start = performance.now()
  const until = start + Number(values.minutes) * 60_000
  const load = Promise.all([useSessions(until), useSessions(until), useWorkers(until)])
  const report = async () => {
    collect()
    await pause(50)
    const { rss, external } = process.memoryUsage()
    const numbers = [rss, external].map((bytes) => `${Math.round(bytes / 1e6)} MB`).join(', ')
    process.stdout.write(
      `${((performance.now() - start) / 60_000).toFixed(1)} min: resident and external ${numbers}; ` +
        `${JSON.stringify(counts)}\n`,
    )
  }
  const reporting = setInterval(report, 60_000)
  await load
  clearInterval(reporting)
  await report()
} else {
  await useSessions(Number.POSITIVE_INFINITY)
}
