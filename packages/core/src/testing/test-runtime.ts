import { describe, expect, test } from 'vitest'
import type { TensorLike } from '../array.ts'
import type { NamedTensors, Runtime, Session, SessionOptions } from '../runtime/runtime.ts'
import { loopModel, reshapeModel, slowModel, sumModel, topHalfModel, twiceModel } from './runtime-models.ts'

export interface RuntimeTestOptions {
  /**
   * Side of the matrices whose product keeps the runtime busy during other checks. Default 768; less where a
   * graphics device is emulated, which needs a minute where others need half a second.
   */
  readonly slowSize?: number
  /** Element types that the runtime is known to fail on, in words, and why: the test of all types is skipped. */
  readonly withoutTypes?: string
}

/**
 * The requirements on every runtime, as one suite of tests:
 *
 *     testRuntime(nodeRuntime())
 *     testRuntime(nodeRuntime(), { worker: true })
 */
export function testRuntime(
  runtime: Runtime,
  options: Pick<SessionOptions, 'threads' | 'worker'> = {},
  { slowSize = 768, withoutTypes }: RuntimeTestOptions = {},
): void {
  const load = (model: Uint8Array): Promise<Session> => runtime.load(model, options)

  // A runtime without SIMD or threads may need seconds where others need a tenth of one.
  describe(`runtime ${runtime.name} ${JSON.stringify(options)}`, { timeout: 60_000 }, () => {
    describe('results', () => {
      test('the declared inputs and outputs are those of the file', async () => {
        await using session = await load(sumModel)
        expect(session.inputs).toEqual([
          { name: 'a', type: 'float32', dims: ['B', 'N', 2] },
          { name: 'b', type: 'float32', dims: ['B', 'N', 2] },
        ])
        expect(session.outputs).toEqual([{ name: 'y', type: 'float32', dims: ['B', 'N', 2] }])
      })

      test('shapes may change from run to run', async () => {
        await using session = await load(sumModel)
        for (const [batch, length] of [
          [1, 1],
          [2, 3],
          [5, 1],
          [1, 1],
        ] as const) {
          const { y } = await session.run(sumFeeds(batch, length, 10))
          expect(y?.type).toBe('float32')
          expect(y?.dims).toEqual([batch, length, 2])
          expect(y?.data).toEqual(Float32Array.from({ length: batch * length * 2 }, (_, i) => i + 10))
        }
      })

      const skipped = withoutTypes === undefined ? '' : ` (left out: ${withoutTypes})`
      test.skipIf(withoutTypes !== undefined)(`every element type goes in and comes out${skipped}`, async () => {
        await using session = await load(twiceModel)
        expect(session.inputs.map(({ name, type, dims }) => [name, type, dims])).toEqual(
          Object.entries(everyType).map(([name, { type }]) => [name, type, ['']]),
        )
        const outputs = await session.run(everyType)
        for (const [name, { type, data }] of Object.entries(everyType)) {
          const output = outputs[`${name}_twice`]
          expect(output?.type).toBe(type)
          expect(output?.dims).toEqual([2 * data.length])
          expect([...(output?.data ?? [])]).toEqual([...data, ...data])
        }
      })

      test('arrays without elements are allowed', async () => {
        await using session = await load(sumModel)
        const { y } = await session.run(sumFeeds(0, 3, 1))
        expect(y?.dims).toEqual([0, 3, 2])
        expect(y?.data.length).toBe(0)
      })

      test('Loop repeats its body as often as an input says', async () => {
        await using session = await load(loopModel)
        for (const [steps, expected] of [
          [0, [1, 2]],
          [3, [29, 37]],
        ] as const) {
          const k = { type: 'int64', dims: [], data: BigInt64Array.of(BigInt(steps)) }
          const { y } = await session.run({ x: { type: 'float32', dims: [1, 2], data: Float32Array.of(1, 2) }, k })
          expect(Array.from(y?.data as Float32Array)).toEqual(expected)
        }
      })

      test('TopK gives ties to the lower index, and GatherND takes its indices', async () => {
        await using session = await load(topHalfModel)
        const score = float32([1, 7, 7, 7, 7, 0, 2, 2, 2, 2, 2, 2], [2, 6])
        const x = float32(
          Array.from({ length: 12 }, (_, i) => i),
          [2, 6, 1],
        )
        const { index, kept } = await session.run({ score, x })
        expect(index?.data).toEqual(BigInt64Array.of(1n, 2n, 3n, 0n, 1n, 2n))
        expect(kept?.dims).toEqual([2, 3, 1])
        expect(kept?.data).toEqual(Float32Array.of(1, 2, 3, 6, 7, 8))
      })

      test('an input may be a view into a larger buffer; inputs are not changed', async () => {
        await using session = await load(sumModel)
        const buffer = Float32Array.of(9, 1, 2, 9, 10, 20, 9)
        const a = { type: 'float32', dims: [1, 1, 2], data: buffer.subarray(1, 3) }
        const b = { type: 'float32', dims: [1, 1, 2], data: buffer.subarray(4, 6) }
        const { y } = await session.run({ a, b })
        expect(y?.data).toEqual(Float32Array.of(11, 22))
        expect(buffer).toEqual(Float32Array.of(9, 1, 2, 9, 10, 20, 9))
      })

      test('outputs do not change after later runs and after disposal', async () => {
        const session = await load(sumModel)
        const { y } = await session.run(sumFeeds(1, 2, 100))
        for (let round = 0; round < 5; round++) await session.run(sumFeeds(1, 2, round))
        await session.dispose()
        expect(y?.data).toEqual(Float32Array.of(100, 101, 102, 103))
      })

      test('warming up runs the model and changes nothing', async () => {
        await using session = await load(sumModel)
        await session.warmUp(sumFeeds(1, 1, 5), sumFeeds(2, 2, 5))
        await expect(session.warmUp({})).rejects.toMatchObject({ code: 'TP_INPUT' })
        expect((await session.run(sumFeeds(1, 1, 5))).y?.data).toEqual(Float32Array.of(5, 6))
      })
    })

    describe('several runs at once', () => {
      test('end in order of arrival, each with its own result', async () => {
        await using session = await load(slowModel)
        const ended: number[] = []
        const sizes = [200, 3, 100, 2, 1]
        const runs = sizes.map(async (size, i) => {
          const { y } = await session.run({ x: identity(size) })
          ended.push(i)
          return y
        })
        for (const [i, output] of (await Promise.all(runs)).entries()) expect(isIdentity(output, sizes[i])).toBe(true)
        expect(ended).toEqual([0, 1, 2, 3, 4])
      })

      test('a failing run harms none before or after it', async () => {
        await using session = await load(reshapeModel)
        const x = float32([1, 2, 3, 4, 5, 6], [6])
        const [first, bad, last] = await Promise.allSettled([
          session.run({ x, shape: int64([2, 3]) }),
          session.run({ x, shape: int64([4, 4]) }),
          session.run({ x, shape: int64([3, 2]) }),
        ])
        expect(bad).toMatchObject({ status: 'rejected', reason: { name: 'TpError', code: 'TP_RUN' } })
        expect(first).toMatchObject({ status: 'fulfilled', value: { y: { dims: [2, 3] } } })
        expect(last).toMatchObject({ status: 'fulfilled', value: { y: { dims: [3, 2] } } })
      })

      test('two models are independent of each other', async () => {
        await using sum = await load(sumModel)
        const reshape = await load(reshapeModel)
        const feeds = { x: float32([1, 2], [2]), shape: int64([2, 1]) }
        const [sums, reshaped] = await Promise.all([sum.run(sumFeeds(1, 1, 1)), reshape.run(feeds)])
        expect(sums.y?.data).toEqual(Float32Array.of(1, 2))
        expect(reshaped.y?.dims).toEqual([2, 1])
        await reshape.dispose()
        expect((await sum.run(sumFeeds(1, 1, 2))).y?.data).toEqual(Float32Array.of(2, 3))
      })
    })

    describe('inputs that do not fit are rejected before the runtime sees them', () => {
      const good = sumFeeds(1, 2, 0)
      const cases: readonly [string, NamedTensors, RegExp][] = [
        ['missing', { a: good.a as TensorLike }, /"b" is missing/],
        ['unknown', { ...good, c: float32([1], [1]) }, /unknown input "c"/],
        ['of another type', { ...good, b: int64([0, 0, 0, 0], [1, 2, 2]) }, /"b" is int64, not float32/],
        [
          'in the wrong class of array',
          { ...good, b: { ...good.b, data: new Float64Array(4) } as TensorLike },
          /"b".*Float64Array/,
        ],
        ['of another rank', { ...good, b: float32([0, 0, 0, 0], [2, 2]) }, /"b" has 2 axes \[2,2\], not 3/],
        ['of another fixed size', { ...good, b: float32([0, 0, 0], [1, 1, 3]) }, /"b" has 3 along axis 2.*fixed to 2/],
        ['of two sizes for one name', { ...good, b: float32([0, 0], [1, 1, 2]) }, /"b" has 1 along "N".*"a" has 2/],
        ['with too few elements', { ...good, b: float32([0, 0], [1, 2, 2]) }, /"b" has 2 elements.*holds 4/],
        ['that is null', { ...good, b: null as never }, /"b" is null, not a tensor/],
        ['without an array', { ...good, b: { type: 'float32', dims: [1, 2, 2] } as never }, /"b".*class Undefined/],
        ['without sizes', { ...good, b: { type: 'float32', data: new Float32Array(4) } as never }, /"b" has dims/],
        ['that are null', null as never, /the inputs are null, not tensors by name/],
        ['that are absent', undefined as never, /the inputs are undefined/],
        ['with a size below zero', { ...good, b: float32([0, 0, 0, 0], [-1, 2, -2]) }, /"b" has dims/],
      ]
      test.each(cases)('%s', async (_name, feeds, message) => {
        await using session = await load(sumModel)
        const error: unknown = await session.run(feeds).catch((reason: unknown) => reason)
        expect(error).toMatchObject({ name: 'TpError', code: 'TP_INPUT' })
        expect((error as Error).message).toMatch(message)
        expect((await session.run(good)).y?.data).toEqual(Float32Array.of(0, 1, 2, 3))
      })

      test('one name has one size, also within one input', async () => {
        await using session = await load(slowModel)
        await expect(session.run({ x: float32([1, 2], [1, 2]) })).rejects.toMatchObject({ code: 'TP_INPUT' })
      })
    })

    describe('signals', () => {
      test('a signal that is already aborted stops loading and running', async () => {
        const reason = new Error('enough')
        const signal = AbortSignal.abort(reason)
        await expect(runtime.load(sumModel, { ...options, signal })).rejects.toMatchObject({ code: 'TP_ABORTED' })
        await using session = await load(sumModel)
        await expect(session.run(sumFeeds(1, 1, 0), { signal })).rejects.toMatchObject({
          name: 'TpError',
          code: 'TP_ABORTED',
          cause: reason,
        })
      })

      test('a signal aborted during loading discards the model', async () => {
        const controller = new AbortController()
        const loading = runtime.load(slowModel, { ...options, signal: controller.signal })
        controller.abort()
        await expect(loading).rejects.toMatchObject({ code: 'TP_ABORTED' })
      })

      test('a waiting run is dropped, those before and after it are not', async () => {
        await using session = await load(slowModel)
        const controller = new AbortController()
        let slowHasEnded = false
        const slow = session.run({ x: identity(slowSize) }).then(() => {
          slowHasEnded = true
        })
        const dropped = session.run({ x: identity(2) }, { signal: controller.signal })
        const next = session.run({ x: identity(3) })
        controller.abort()
        await expect(dropped).rejects.toMatchObject({ code: 'TP_ABORTED' })
        expect(slowHasEnded).toBe(false)
        expect(isIdentity((await next).y, 3)).toBe(true)
        await slow
      })

      test('the result of the current run is discarded, and the session continues', async () => {
        await using session = await load(slowModel)
        const controller = new AbortController()
        let settled = false
        const run = session.run({ x: identity(slowSize) }, { signal: controller.signal }).finally(() => {
          settled = true
        })
        const outcome = run.then(
          () => 'a result',
          (error: { code?: string }) => error.code,
        )
        await timer(5)
        // A runtime that blocks the event loop has the result before any timer.
        const expected = settled ? 'a result' : 'TP_ABORTED'
        controller.abort()
        expect(await outcome).toBe(expected)
        expect(isIdentity((await session.run({ x: identity(2) })).y, 2)).toBe(true)
      })

      test('a signal that outlives its runs does not collect listeners', async () => {
        await using session = await load(sumModel)
        const { signal } = new AbortController()
        let listeners = 0
        const counted = {
          aborted: false,
          reason: undefined,
          addEventListener: (...[type, listener]: Parameters<typeof signal.addEventListener>) => {
            listeners += 1
            signal.addEventListener(type, listener)
          },
          removeEventListener: (...[type, listener]: Parameters<typeof signal.removeEventListener>) => {
            listeners -= 1
            signal.removeEventListener(type, listener)
          },
        }
        await Promise.all([1, 2, 3].map((n) => session.run(sumFeeds(1, n, 0), { signal: counted })))
        expect(listeners).toBe(0)
      })
    })

    describe('disposal', () => {
      test('waits for the current run and drops the waiting ones', async () => {
        const session = await load(slowModel)
        const events: string[] = []
        const running = session.run({ x: identity(slowSize) }).then(({ y }) => {
          events.push('run ended')
          return y
        })
        const waiting = session.run({ x: identity(2) })
        const disposal = session.dispose().then(() => events.push('disposed'))
        await expect(waiting).rejects.toMatchObject({ name: 'TpError', code: 'TP_DISPOSED' })
        expect(isIdentity(await running, slowSize)).toBe(true)
        await disposal
        expect(events).toEqual(['run ended', 'disposed'])
      })

      test('may be called twice, and nothing runs afterwards', async () => {
        const session = await load(sumModel)
        await Promise.all([session.dispose(), session[Symbol.asyncDispose]()])
        await session.dispose()
        await expect(session.run(sumFeeds(1, 1, 0))).rejects.toMatchObject({ code: 'TP_DISPOSED' })
        await expect(session.warmUp(sumFeeds(1, 1, 0))).rejects.toMatchObject({ code: 'TP_DISPOSED' })
      })

      test('a model can be loaded and disposed of many times', async () => {
        for (let i = 0; i < 10; i++) {
          await using session = await load(sumModel)
          expect((await session.run(sumFeeds(1, 1, i))).y?.data[0]).toBe(i)
        }
      })
    })

    describe('loading', () => {
      const broken: readonly [string, Uint8Array][] = [
        ['no bytes', new Uint8Array()],
        ['text', Uint8Array.from('hello, world', (character) => character.charCodeAt(0))],
        ['a model that is cut short', twiceModel.subarray(0, 500)],
      ]
      test.each(broken)('%s is refused', async (_name, bytes) => {
        await expect(load(bytes)).rejects.toMatchObject({ name: 'TpError', code: 'TP_MODEL_LOAD' })
      })

      test('does not change the bytes, also where they are part of a larger buffer', async () => {
        const larger = new Uint8Array(sumModel.length + 20)
        larger.set(sumModel, 10)
        const bytes = larger.subarray(10, 10 + sumModel.length)
        await using session = await load(bytes)
        expect(bytes).toEqual(sumModel)
        expect((await session.run(sumFeeds(1, 1, 3))).y?.data).toEqual(Float32Array.of(3, 4))
      })
    })

    test('diagnose says what runs and on what', async () => {
      const { runtime: name, version, threads, device, notes } = await runtime.diagnose()
      expect(name).not.toBe('')
      expect(version).toMatch(/^\d+\.\d+\.\d+/)
      expect(threads).toBeGreaterThanOrEqual(1)
      expect(device).not.toBe('')
      expect(Array.isArray(notes)).toBe(true)
    })
  })
}

const everyType: NamedTensors = {
  float32: { type: 'float32', dims: [2], data: Float32Array.of(1.5, -2) },
  float64: { type: 'float64', dims: [2], data: Float64Array.of(0.1, -2) },
  // 1 and -2 as half-precision bits
  float16: { type: 'float16', dims: [2], data: Uint16Array.of(0x3c00, 0xc000) },
  int8: { type: 'int8', dims: [2], data: Int8Array.of(-128, 127) },
  int32: { type: 'int32', dims: [2], data: Int32Array.of(-(2 ** 31), 7) },
  int64: { type: 'int64', dims: [2], data: BigInt64Array.of(-(2n ** 63n), 2n ** 53n + 1n) },
  uint8: { type: 'uint8', dims: [2], data: Uint8Array.of(0, 255) },
  bool: { type: 'bool', dims: [3], data: Uint8Array.of(1, 0, 1) },
  string: { type: 'string', dims: [2], data: ['', 'žluťoučký'] },
}

/** a = 0, 1, 2 …, b = `offset` everywhere. */
function sumFeeds(batch: number, length: number, offset: number): NamedTensors {
  const dims = [batch, length, 2]
  const size = batch * length * 2
  return {
    a: float32(
      Array.from({ length: size }, (_, i) => i),
      dims,
    ),
    b: float32(new Array(size).fill(offset), dims),
  }
}

function float32(values: readonly number[], dims: readonly number[]): TensorLike {
  return { type: 'float32', dims, data: Float32Array.from(values) }
}

function int64(values: readonly number[], dims: readonly number[] = [values.length]): TensorLike {
  return { type: 'int64', dims, data: BigInt64Array.from(values, BigInt) }
}

/** Its powers equal it, exactly. */
function identity(size: number): TensorLike {
  const data = new Float32Array(size * size)
  for (let i = 0; i < size; i++) data[i * size + i] = 1
  return { type: 'float32', dims: [size, size], data }
}

function isIdentity(tensor: TensorLike | undefined, size = 0): boolean {
  const expected = identity(size).data
  return tensor?.dims.join() === `${size},${size}` && tensor.data.every((value, i) => value === expected[i])
}

function timer(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
