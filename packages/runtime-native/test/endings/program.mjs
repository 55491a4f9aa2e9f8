// Started by endings.mjs: sessions that compute without a pause, until something ends. It is the program of its workers, too.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { nativeRuntime } from '@tp/runtime-native'

const [ending, delay, slow, packed] = isMainThread ? process.argv.slice(2) : workerData
const slowFeeds = { x: float32([300, 300]) }
const tokens = 600
const shape = [1, 4, tokens, 64]
const packedFeeds = {
  query: float32(shape),
  key: float32(shape),
  value: float32(shape),
  offsets: { type: 'int64', dims: [3], data: BigInt64Array.of(0n, 100n, BigInt(tokens)) },
}

function float32(dims) {
  return { type: 'float32', dims, data: new Float32Array(dims.reduce((size, dim) => size * dim, 1)) }
}

async function load(path, atOnce, options) {
  return await nativeRuntime({ atOnce }).load(path === packed ? new Uint8Array(readFileSync(path)) : path, options)
}

/** Two models, three threads that run, and one more that helps; results are let go as they come. */
async function work(rounds = Number.POSITIVE_INFINITY) {
  const sessions = [await load(slow, 2, { threads: 1 }), await load(packed, 1, { threads: 2 })]
  const chains = [sessions[0], sessions[0], sessions[1]].map(async (session, i) => {
    for (let round = 0; round < rounds; round++) await session.run(i < 2 ? slowFeeds : packedFeeds)
  })
  return { sessions, ended: Promise.all(chains) }
}

const after = (action) => setTimeout(action, Number(delay))

/** The action of each ending in the middle of the work. In a worker the same names end the worker. */
const endings = {
  async exit() {
    await work()
    after(() => process.exit(7))
  },
  async exitWithoutEvent() {
    await work()
    after(() => process.reallyExit(7))
  },
  async exitWhileLoading() {
    after(() => process.exit(7))
    for (;;) await load(slow, 2, { threads: 2 })
  },
  async exitFromAnswer() {
    const { sessions } = await work()
    await sessions[0].run(slowFeeds)
    process.exit(7)
  },
  async uncaughtError() {
    await work()
    after(() => {
      throw new Error('uncaught')
    })
  },
  async end() {
    await work(3)
  },
  async terminateWorker() {
    const worker = await startWorker('idle')
    after(async () => {
      await worker.terminate()
      await work(1)
    })
  },
  async exitWorker() {
    const worker = await startWorker('exit')
    worker.once('exit', async (code) => {
      await work(1)
      process.exitCode = code
    })
  },
  async errorInWorker() {
    const worker = await startWorker('uncaughtError')
    const [error] = await once(worker, 'error')
    process.exitCode = error.message === 'uncaught' ? 7 : 1
  },
  async endWorker() {
    const worker = await startWorker('end')
    worker.once('exit', (code) => {
      process.exitCode = code
    })
  },
  async exitWithWorker() {
    await startWorker('idle')
    await work()
    after(() => process.exit(7))
  },
  async collect() {
    for (let i = 0; i < 6; i++) {
      await (await work(1)).ended
      globalThis.gc()
      await new Promise((resolve) => setTimeout(resolve, Number(delay) / 10))
    }
    // A session that nobody holds but its own run.
    const runs = [1, 2, 3].map(async () => (await load(slow, 1, { threads: 1 })).run(slowFeeds))
    const collecting = setInterval(globalThis.gc, 1)
    await Promise.all(runs)
    clearInterval(collecting)
  },
  async idle() {
    await work()
  },
}

async function startWorker(how) {
  const worker = new Worker(new URL(import.meta.url), { workerData: [how, delay, slow, packed] })
  if (how === 'idle') await once(worker, 'message')
  return worker
}

await endings[ending]()
if (ending === 'idle') parentPort.postMessage('begun')
