import type { NamedTensors, Session } from '@tp/core/runtime'
import { nativeRuntime } from '@tp/runtime-native'
import { nodeRuntime } from '@tp/runtime-node'
import { difference, numbers, thorough } from 'exported-encoders'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BatchReport, startEngine } from '../src/engine/engine.ts'
import { rowsOf } from '../src/engine/row.ts'
import { byThreshold, half, type MailOptions, mailModel, textBatch } from './models.ts'
import { hasNative, noteWithoutNative } from './native.ts'

const worker = { threads: 1, worker: true } as const
const text = (length: number, seed = 1): number[] => [
  2,
  ...Array.from({ length }, (_, i) => 5 + ((i * 7919 + seed * 104_729) % 8000)),
  3,
]

/** The dense model, which all tests share. */
let dense: Session
beforeAll(async () => {
  dense = await nodeRuntime().load(mailModel(), worker)
})
afterAll(() => dense.dispose())

/** A session that outlives the engine that closes it. */
const shared = (session: Session): Session => ({ ...session, dispose: async () => {} })

/** A session that tells its runs, and that a test may hold up. */
class Watched {
  readonly runs: NamedTensors[] = []
  hold: Promise<void> | undefined
  readonly session: Session

  constructor(session: Session) {
    this.session = {
      ...session,
      run: async (inputs, options) => {
        this.runs.push(inputs)
        await this.hold
        return session.run(inputs, options)
      },
    }
  }

  /** Texts of each run. */
  get sizes(): (number | undefined)[] {
    return this.runs.map(({ input_ids }) => input_ids?.dims[0])
  }
}

interface Form {
  readonly name: string
  load(): Promise<Session>
  readonly packed?: boolean
  /** The largest difference of a logit. */
  readonly most?: number
}

const native = nativeRuntime({ atOnce: 2 })
const load = (options: MailOptions): Promise<Session> => nodeRuntime().load(mailModel(options), worker)
const loadPacked = (options: MailOptions): Promise<Session> =>
  native.load(mailModel({ ...options, packed: true }), { threads: 1 })

const forms: readonly Form[] = [
  { name: 'a model pruned by a threshold', load: () => load({ schedule: byThreshold, monitor: true }) },
  // Each token is rounded by itself: not a bit is different.
  { name: 'a model in 8 bits that rounds by token', load: () => load({ eightBits: true }), most: Number.MIN_VALUE },
  ...(hasNative
    ? [{ name: 'a model pruned by a ratio, and packed', load: () => loadPacked({ schedule: half }), packed: true }]
    : []),
]

describe('answers are those of the model run alone, in whatever order and lengths texts arrive', () => {
  for (const form of forms) {
    const { packed = false, most = 1e-5 } = form
    test(`form ${form.name}`, async () => {
      const session = await form.load()
      const engine = await startEngine({
        sessions: packed ? [session, session] : [session],
        packed,
        batchTokens: 400,
        maxWait: 1,
      })
      const known = new Map<string, number[]>()
      const alone = async (ids: number[]): Promise<number[]> => {
        const answer = known.get(ids.join()) ?? numbers((await session.run(textBatch([ids]))).logits)
        known.set(ids.join(), answer)
        return answer
      }
      const request = fc.array(fc.integer({ min: 0, max: 120 }), { minLength: 1, maxLength: 6 })
      const arrivals = fc.array(fc.record({ lengths: request, later: fc.integer({ min: 0, max: 3 }) }), {
        minLength: 1,
        maxLength: 8,
      })
      await fc.assert(
        fc.asyncProperty(arrivals, async (requests) => {
          const answers = await Promise.all(
            requests.map(async ({ lengths, later }, i) => {
              await new Promise((resolve) => setTimeout(resolve, later))
              return engine.run(rowsOf(engine.form, textBatch(lengths.map((length) => text(length, i)))))
            }),
          )
          for (const [i, { lengths }] of requests.entries()) {
            for (const [j, length] of lengths.entries()) {
              const { logits = undefined } = answers[i]?.[j] ?? {}
              expect(logits?.dims).toEqual([2])
              expect(difference(numbers(logits), await alone(text(length, i)))).toBeLessThan(most)
            }
          }
        }),
        { numRuns: thorough(3, 20) },
      )
      await engine.close()
    })
  }
  noteWithoutNative('of packed models')
})

describe('outputs with a row for each token', () => {
  const kinds: readonly (readonly [name: string, options: MailOptions])[] = [
    ['of a dense model', {}],
    ['of one that keeps another number in every text', { schedule: byThreshold, restore: 'none' }],
  ]
  for (const [name, options] of kinds) {
    test(`have the rows ${name} when it is run alone`, async () => {
      const session = await nodeRuntime().load(mailModel({ states: true, ...options }), worker)
      const engine = await startEngine({ sessions: [session] })
      const texts = [text(3), text(40), text(17)]
      const answers = await engine.run(rowsOf(engine.form, textBatch(texts)))
      for (const [i, ids] of texts.entries()) {
        const alone = await session.run(textBatch([ids]))
        for (const [output, { dims, data }] of Object.entries(answers[i] as NamedTensors)) {
          expect([output, 1, ...dims]).toEqual([output, ...(alone[output]?.dims ?? [])])
          expect(difference(Array.from(data, Number), Array.from(alone[output]?.data ?? [], Number))).toBeLessThan(1e-4)
        }
      }
      await engine.close()
    })
  }
})

describe('the queue', () => {
  async function start(options: Partial<Parameters<typeof startEngine>[0]> = {}) {
    const watched = new Watched(shared(dense))
    const batches: BatchReport[] = []
    const engine = await startEngine({
      sessions: [watched.session],
      onBatch: (batch) => batches.push(batch),
      ...options,
    })
    watched.runs.length = 0
    let release = (): void => {}
    watched.hold = new Promise((resolve) => {
      release = resolve
    })
    const ask = (lengths: readonly number[], signal?: AbortSignal): Promise<NamedTensors[]> =>
      engine.run(rowsOf(engine.form, textBatch(lengths.map((length) => text(length)))), { signal })
    return { engine, watched, batches, ask, release: () => release() }
  }

  test('runs texts that wait at the same time as one batch, and those of very different lengths apart', async () => {
    const { engine, watched, batches, ask, release } = await start()
    const first = ask([1])
    const others = [ask([20]), ask([21]), ask([19]), ask([300])]
    release()
    await Promise.all([first, ...others])
    expect(watched.sizes).toEqual([1, 3, 1])
    expect(batches.map(({ rows, tokens }) => [rows, tokens])).toEqual([
      [1, 3],
      [3, 66],
      [1, 302],
    ])
    await engine.close()
  })

  test('fills a batch for at most maxWait milliseconds', async () => {
    const { engine, watched, batches, ask, release } = await start({ maxWait: 40 })
    release()
    await Promise.all([ask([5]), ask([5])])
    expect(watched.sizes).toEqual([2])
    expect(batches[0]?.waited.every((ms) => ms > 30 && ms < 2000)).toBe(true)
    await engine.close()
  })

  test('runs a full batch without waiting', async () => {
    const { engine, batches, ask, release } = await start({ maxWait: 30_000, batchTokens: 30 })
    release()
    await Promise.all([ask([13]), ask([13])])
    expect(batches.map(({ rows }) => rows)).toEqual([2])
    await engine.close()
  })

  test('answers a short request while one of many texts is under way', async () => {
    const { engine, watched, ask, release } = await start({ batchTokens: 200 })
    const order: string[] = []
    const long = ask(new Array(40).fill(98)).then(() => order.push('many texts'))
    const short = ask([5]).then(() => order.push('one text'))
    release()
    await Promise.all([long, short])
    expect(order).toEqual(['one text', 'many texts'])
    // The run that was under way, the one of what waited longer, its own.
    expect(watched.runs.findIndex(({ input_ids }) => input_ids?.dims[1] === 7)).toBeLessThanOrEqual(2)
    await engine.close()
  })

  test('lets a request of many texts advance while short ones keep coming', async () => {
    const { engine, ask, release } = await start({ batchTokens: 100 })
    let isDone = false
    const long = ask(new Array(20).fill(90)).then(() => {
      isDone = true
    })
    release()
    let count = 0
    const clients = Array.from({ length: 4 }, async () => {
      for (; !isDone && count < 2000; count++) await ask([90])
    })
    await Promise.all([long, ...clients])
    expect(count).toBeLessThan(400)
    await engine.close()
  })

  test('rejects what it has no room for with TP_BUSY, and accepts again afterwards', async () => {
    const { engine, ask, release } = await start({ queueTokens: 100 })
    const accepted = [ask([5]), ask([48]), ask([40])]
    await expect(ask([48])).rejects.toThrow(expect.objectContaining({ code: 'TP_BUSY' }))
    release()
    expect(await Promise.all(accepted)).toHaveLength(3)
    expect(await ask([48])).toHaveLength(1)
    await engine.close()
  })

  test('drops what is aborted while it waits', async () => {
    const { engine, watched, ask, release } = await start()
    const abortion = new AbortController()
    const first = ask([1])
    const dropped = ask([30, 31], abortion.signal)
    const other = ask([32])
    abortion.abort()
    await expect(dropped).rejects.toThrow(expect.objectContaining({ code: 'TP_ABORTED' }))
    expect(engine.waiting()).toMatchObject({ rows: 1, tokens: 34 })
    release()
    await Promise.all([first, other])
    expect(watched.sizes).toEqual([1, 1])
    await engine.close()
  })

  test('runs nothing of a request that is aborted before it is sent', async () => {
    const { engine, watched, ask, release } = await start()
    release()
    await expect(ask([5], AbortSignal.abort())).rejects.toThrow(expect.objectContaining({ code: 'TP_ABORTED' }))
    expect(watched.runs).toEqual([])
    await engine.close()
  })

  test('fails only the request whose rows cannot be run', async () => {
    const { engine, ask, release } = await start()
    const bad = textBatch([[2, 99_999, 3]])
    const first = ask([1])
    const runs = [ask([1]), engine.run(rowsOf(engine.form, bad)), ask([1])]
    release()
    const [before, failed, after] = await Promise.allSettled(runs)
    expect([before?.status, failed?.status, after?.status]).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(failed).toMatchObject({ reason: { code: 'TP_RUN' } })
    await first
    await engine.close()
  })

  test('runs all that was accepted before it closes, and accepts nothing more', async () => {
    const { engine, ask, release } = await start({ maxWait: 30_000 })
    const accepted = [ask([5]), ask([200]), ask([7, 9])]
    const closed = engine.close()
    await expect(ask([5])).rejects.toThrow(expect.objectContaining({ code: 'TP_CLOSED' }))
    release()
    await Promise.all([closed, ...accepted])
    expect((await accepted[2])?.map(({ logits }) => logits?.dims)).toEqual([[2], [2]])
  })
})

test('runs leave the event loop free', async () => {
  const engine = await startEngine({ sessions: [shared(dense)] })
  let ticks = 0
  const timer = setInterval(() => void ticks++, 1)
  await engine.run(rowsOf(engine.form, textBatch(new Array(16).fill(text(500)))))
  clearInterval(timer)
  // Hundreds of milliseconds on any machine: a run that blocked the loop would leave it one tick at most.
  expect(ticks).toBeGreaterThan(3)
  await engine.close()
})

describe('models that cannot be served', () => {
  test('refuses the model with the reason', async () => {
    const fixed = { ...dense, inputs: dense.inputs.map((input) => ({ ...input, dims: [4, 'n'] })) }
    await expect(startEngine({ sessions: [fixed] })).rejects.toThrow(
      /batches of exactly 4; export it with a free batch axis/,
    )
  })
})
