import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { NamedTensors, TensorLike } from '@tp/core/runtime'
import { runtimeModels } from '@tp/core/testing'
import { modelPath } from '@tp/models'
import { createModel, createNode, encodeModel, Graph } from '@tp/onnx'
import { nativeRuntime } from '@tp/runtime-native'
import { expect, test } from 'vitest'
import { describeNative } from './native.ts'

const { slowModel, sumModel, twiceModel } = runtimeModels
const { load } = nativeRuntime()

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const megabyte = 2 ** 20

/** Its powers are itself; `slowModel` takes one of 1,000 about half a second on one thread. */
function identity(size: number): { x: TensorLike } {
  const data = new Float32Array(size * size)
  for (let i = 0; i < size; i++) data[i * size + i] = 1
  return { x: { type: 'float32', dims: [size, size], data } }
}

function pairs(length: number, value: number): TensorLike {
  return { type: 'float32', dims: [1, length, 2], data: new Float32Array(2 * length).fill(value) }
}

function pause(ms = 0): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

describeNative('the event loop', () => {
  test('continues while runs do', { timeout: 60_000 }, async () => {
    await using session = await load(slowModel, { threads: 1 })
    const feeds = identity(700)
    let running = true
    let ticks = 0
    const runs = Promise.all([1, 2, 3].map(() => session.run(feeds))).then(() => {
      running = false
    })
    while (running) {
      await pause(1)
      ticks += 1
    }
    await runs
    // Some 50 GFLOP: hundreds of milliseconds on any machine. A loop that runs block would come by between them at most.
    expect(ticks).toBeGreaterThan(10)
  })

  test('continues while a model is loaded', { timeout: 60_000 }, async () => {
    const model = longModel(5000)
    let loading = true
    let ticks = 0
    const opening = load(model, { threads: 1 }).finally(() => {
      loading = false
    })
    while (loading) {
      await pause(1)
      ticks += 1
    }
    await using _session = await opening
    expect(ticks).toBeGreaterThan(10)
  })
})

/** As many nodes in a row, which onnxruntime takes about half a second to go through. */
function longModel(length: number): Uint8Array {
  const model = createModel(17)
  const graph = new Graph(model)
  graph.addInput('v0', 'float32', ['N'])
  const nodes = Array.from({ length }, (_, i) =>
    createNode({ type: i % 2 === 0 ? 'Sin' : 'Cos', inputs: [`v${i}`], outputs: [`v${i + 1}`] }),
  )
  graph.insert(nodes)
  graph.addOutput(`v${length}`, 'float32', ['N'])
  return encodeModel(model)
}

describeNative('many requests', () => {
  test('end in order of arrival, 1,000 at once, and only those that run are copied', { timeout: 60_000 }, async () => {
    await using session = await load(sumModel, { threads: 1 })
    const a = pairs(50_000, 1)
    collect()
    const before = process.memoryUsage().rss
    let peak = before
    const ended: number[] = []
    const runs = Array.from({ length: 1000 }, async (_, i) => {
      const { y } = await session.run({ a, b: pairs(50_000, i) })
      expect(y?.data[99_999]).toBe(i + 1)
      ended.push(i)
      peak = Math.max(peak, process.memoryUsage().rss)
    })
    const made = process.memoryUsage().rss
    await Promise.all(runs)
    expect(ended).toEqual(Array.from({ length: 1000 }, (_, i) => i))
    // 400 MB of inputs were made here; copies of all and all outputs would be 1,200 MB more.
    expect((Math.max(peak, made) - made) / megabyte).toBeLessThan(300)
  })

  test('run in several sessions at once, each with its own results', { timeout: 60_000 }, async () => {
    const sessions = await Promise.all([1, 2, 3, 4].map((threads) => load(sumModel, { threads })))
    const sums = sessions.flatMap((session, s) =>
      Array.from({ length: 50 }, async (_, i) => {
        const { y } = await session.run({ a: pairs(i + 1, s), b: pairs(i + 1, 100 * i) })
        return y?.dims[1] === i + 1 && y.data.every((value) => value === s + 100 * i)
      }),
    )
    expect((await Promise.all(sums)).every(Boolean)).toBe(true)
    for (const session of sessions) await session.dispose()
  })

  test('let a short run pass a long one with atOnce: 2, and a third wait', {
    timeout: 60_000,
    tags: 'exhaustive',
  }, async () => {
    await using session = await nativeRuntime({ atOnce: 2 }).load(slowModel, { threads: 1 })
    const ended: string[] = []
    await Promise.all(
      [1200, 1201, 2].map(async (size, i) => {
        // The third is short, but comes in only when one of the first two has ended.
        await session.run(identity(size))
        ended.push(['long', 'longer', 'short'][i] as string)
      }),
    )
    expect(ended.indexOf('short')).toBeGreaterThan(0)

    ended.length = 0
    await Promise.all(
      [1200, 2].map(async (size) => {
        await session.run(identity(size))
        ended.push(String(size))
      }),
    )
    expect(ended).toEqual(['2', '1200'])
  })

  test('refuses runs at once beyond the number that may wait, until some have ended', async () => {
    await using session = await nativeRuntime({ waiting: 2 }).load(slowModel, { threads: 1 })
    const feeds = identity(300)
    const taken = [1, 2, 3].map(() => session.run(feeds))
    await expect(session.run(feeds)).rejects.toMatchObject({
      code: 'TP_BUSY',
      message: expect.stringContaining('2 runs are waiting already'),
    })
    await Promise.all(taken)
    await session.run(feeds)
  })

  test('may not wait where the number is 0', async () => {
    await using session = await nativeRuntime({ waiting: 0 }).load(slowModel, { threads: 1 })
    const run = session.run(identity(300))
    await expect(session.run(identity(2))).rejects.toMatchObject({ code: 'TP_BUSY' })
    await run
    await session.run(identity(2))
  })
})

describeNative('a signal', () => {
  test('ends the current run early, and the session continues', { timeout: 60_000 }, async () => {
    await using session = await load(slowModel, { threads: 1 })
    const feeds = identity(1000)
    await session.run(identity(2))
    // Processor time: what else the machine does is not the run's.
    let start = process.cpuUsage()
    await session.run(feeds)
    const whole = process.cpuUsage(start).user

    const controller = new AbortController()
    start = process.cpuUsage()
    const run = session.run(feeds, { signal: controller.signal })
    const aborting = expect(run).rejects.toMatchObject({ code: 'TP_ABORTED' })
    await pause(5)
    controller.abort()
    await aborting
    // One node of 24 computes on.
    expect(process.cpuUsage(start).user).toBeLessThan(whole / 2)

    const { y } = await session.run(identity(3))
    expect(y?.data).toEqual(identity(3).x.data)
  })

  test('ends its own run only', { timeout: 60_000 }, async () => {
    await using session = await nativeRuntime({ atOnce: 3 }).load(slowModel, { threads: 1 })
    const controller = new AbortController()
    const runs = [800, 801, 802].map((size, i) =>
      session.run(identity(size), i === 1 ? { signal: controller.signal } : {}),
    )
    await pause(2)
    controller.abort()
    const ends = await Promise.allSettled(runs)
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  })
})

describeNative('memory', () => {
  test('memory of a session is free once it is closed, although its small outputs are still there', {
    timeout: 60_000,
  }, async () => {
    const ids: TensorLike = { type: 'int64', dims: [8, 64], data: new BigInt64Array(8 * 64).fill(1n) }
    const outputs: NamedTensors[] = []
    const round = async (): Promise<void> => {
      await using session = await load(modelPath('mail'), { threads: 1 })
      outputs.push(await session.run({ input_ids: ids, attention_mask: ids }))
    }
    await round()
    const before = process.memoryUsage().rss
    for (let i = 0; i < 20; i++) await round()
    // Each took more than 5 MB for its run.
    expect((process.memoryUsage().rss - before) / megabyte).toBeLessThan(50)
    expect(outputs).toHaveLength(21)
  })

  test('memory of inputs may be shared between threads, and may change once the run was requested', async () => {
    await using session = await load(sumModel, { threads: 1 })
    const data = new Float32Array(new SharedArrayBuffer(8)).fill(4)
    const a: TensorLike = { type: 'float32', dims: [1, 1, 2], data }
    const run = session.run({ a, b: a })
    data.fill(9)
    expect((await run).y?.data).toEqual(Float32Array.of(8, 8))
  })

  test('memory of inputs may move to another thread, and then a run that still waits for it fails', async () => {
    await using session = await load(sumModel, { threads: 1 })
    const first = pairs(100_000, 1)
    const runs = [session.run({ a: first, b: first }), session.run({ a: first, b: first })]
    structuredClone(first.data, { transfer: [(first.data as Float32Array<ArrayBuffer>).buffer] })
    const [started, waited] = await Promise.allSettled(runs)
    expect(started?.status).toBe('fulfilled')
    expect(waited).toMatchObject({ status: 'rejected', reason: { code: 'TP_RUN' } })
  })

  test('memory of a model in bytes may change once loading was requested', async () => {
    const bytes = sumModel.slice()
    const loading = load(bytes)
    bytes.fill(0)
    await using session = await loading
    expect((await session.run({ a: pairs(1, 1), b: pairs(1, 2) })).y?.data).toEqual(Float32Array.of(3, 3))
  })
})

describeNative('names that every object has', () => {
  test('strings are inputs and outputs like any other', async () => {
    const names = ['__proto__', 'constructor', 'toString']
    const model = createModel(17)
    const graph = new Graph(model)
    for (const name of names) graph.addInput(name, 'float32', [1])
    graph.insert(names.map((name, i) => createNode({ type: 'Neg', inputs: [name], outputs: [`negative ${i}`] })))
    for (const i of names.keys()) graph.addOutput(`negative ${i}`, 'float32', [1])
    await using session = await load(encodeModel(model))
    const one: TensorLike = { type: 'float32', dims: [1], data: Float32Array.of(1) }
    await expect(session.run({ constructor: one, toString: one } as never)).rejects.toMatchObject({
      code: 'TP_INPUT',
      message: expect.stringContaining('input "__proto__" is missing'),
    })
    const feeds = Object.fromEntries(names.map((name) => [name, one]))
    expect(Object.keys(await session.run(feeds))).toHaveLength(3)
  })

  test('keep an output that is called __proto__', async () => {
    const model = createModel(17)
    const graph = new Graph(model)
    graph.addInput('x', 'float32', [1])
    graph.insert([createNode({ type: 'Neg', inputs: ['x'], outputs: ['__proto__'] })])
    graph.addOutput('__proto__', 'float32', [1])
    await using session = await load(encodeModel(model))
    const outputs = await session.run({ x: { type: 'float32', dims: [1], data: Float32Array.of(1) } })
    expect(Object.entries(outputs).map(([name, { data }]) => [name, data])).toEqual([
      ['__proto__', Float32Array.of(-1)],
    ])
  })
})

describeNative('texts', () => {
  test('have any length and script, and are refused if they would be cut', async () => {
    await using session = await load(twiceModel, { threads: 1 })
    const empty = Object.fromEntries(
      session.inputs.map(({ name, type }) => [name, { type, dims: [0], data: none(type) }]),
    )
    const texts = ['', 'a'.repeat(100_000), '日本語', '🙂']
    const { string_twice } = await session.run({ ...empty, string: { type: 'string', dims: [4], data: texts } })
    expect(string_twice?.data).toEqual([...texts, ...texts])
    const cut = session.run({ ...empty, string: { type: 'string', dims: [1], data: ['a\0b'] } })
    await expect(cut).rejects.toMatchObject({ code: 'TP_RUN', message: expect.stringContaining('U+0000') })
  })

  function none(type: string): TensorLike['data'] {
    if (type === 'string') return []
    if (type === 'float64') return new Float64Array()
    if (type === 'float16') return new Uint16Array()
    if (type === 'int8') return new Int8Array()
    if (type === 'int32') return new Int32Array()
    if (type === 'int64') return new BigInt64Array()
    return type === 'float32' ? new Float32Array() : new Uint8Array()
  }
})
