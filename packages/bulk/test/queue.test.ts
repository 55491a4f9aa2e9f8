import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { baselines as methods } from '@tp/core'
import { readRunPlan } from '@tp/plans'
import { Queue } from 'bullmq'
import { describeQueue, startValkey } from 'queue-tests'
import { describe, expect, test } from 'vitest'
import { runBulk, runWorker } from '../src/index.ts'
import { connect } from '../src/queue/connect.ts'
import { toShared } from '../src/queue/shard-job.ts'
import { startPostgres, whyNoPostgres } from './postgres.ts'
import { modelFolder, writeMails } from './small-models.ts'
import { startWorkers } from './workers.ts'

const { path: folder, at } = modelFolder()

const idsIn = (path: string): unknown[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).id)

describeQueue('workers of a queue', () => {
  test('write each row once and the bytes of one process, though they and the queue are killed', {
    tags: 'exhaustive',
  }, async () => {
    const rows = writeMails(at('few.jsonl'), 96, 600)
    const options = { model: at('model', 'model.onnx'), data: at('few.jsonl'), shardRows: 4, threads: 1 }
    await runBulk({ ...options, out: at('few-undisturbed.jsonl') })
    await using valkey = await startValkey()
    await using workers = startWorkers({ count: 2, url: valkey.url, folder, lostAfter: 1 })
    const out = at('few-killed.jsonl')
    const restarts: Promise<void>[] = []
    const disturbances = [() => workers.kill(0), () => restarts.push(valkey.restart()), () => workers.kill(1)]
    const watching = setInterval(() => {
      const done = existsSync(`${out}.shards`) ? readdirSync(`${out}.shards`).length : 0
      if (done > 6 * (3 - disturbances.length)) disturbances.shift()?.()
    }, 10)
    await runBulk({ ...options, out, queue: { url: valkey.url, folder } }).finally(() => clearInterval(watching))
    await Promise.all(restarts)
    expect({ killed: workers.killed, restarts: restarts.length }).toEqual({ killed: 2, restarts: 1 })
    expect(idsIn(out)).toEqual(rows.map(({ id }) => id))
    expect(readFileSync(out)).toEqual(readFileSync(at('few-undisturbed.jsonl')))
  })

  test('prune by the plan of a run, keep what cannot be computed with its reason, and compute it when it can be', async () => {
    await using valkey = await startValkey()
    const stop = new AbortController()
    const reasons: string[] = []
    const worker = runWorker({
      queue: valkey.url,
      folder,
      methods,
      signal: stop.signal,
      onFailure: (reason) => reasons.push(reason),
    })
    const texts = Array.from({ length: 130 }, (_, i) => `{"id":${i},"text":${i === 120 ? null : `"text ${i}"`}}`)
    writeFileSync(at('faulty.jsonl'), texts.join('\n'))
    const queue = { url: valkey.url, folder }
    const options = {
      model: at('model', 'model.onnx'),
      data: at('faulty.jsonl'),
      out: at('faulty-out.jsonl'),
      shardRows: 40,
      plan: readRunPlan({ format: 1, method: 'stride', keep: 0.5, layers: [0] }, 'plan.json'),
      methods,
      queue,
    }
    await expect(runBulk(options)).rejects.toMatchObject({
      code: 'TP_SHARDS',
      message: expect.stringContaining('has no text'),
    })
    expect(reasons).toEqual([expect.stringContaining('has no text')])
    writeFileSync(at('faulty.jsonl'), texts.join('\n').replace('null', '"text"'))
    const workers: unknown[] = []
    const onProgress = (state: { readonly workers?: number }): void => void workers.push(state.workers)
    expect(await runBulk({ ...options, retry: true, onProgress })).toMatchObject({ rows: 130, resumed: 3 })
    expect(workers.at(-1)).toBe(1)
    await runBulk({ ...options, queue: undefined, out: at('faulty-here.jsonl') })
    expect(readFileSync(options.out)).toEqual(readFileSync(at('faulty-here.jsonl')))
    stop.abort()
    await worker
  })

  test('refuse what leads out of their folder, or is of another version', async () => {
    await using valkey = await startValkey()
    const stop = new AbortController()
    const reasons: string[] = []
    const worker = runWorker({
      queue: valkey.url,
      folder: at('model'),
      signal: stop.signal,
      onFailure: (reason) => reasons.push(reason),
    })
    writeFileSync(at('outside.jsonl'), '{"text":"a"}\n')
    const run = new AbortController()
    const running = runBulk({
      ...{
        model: at('model', 'model.onnx'),
        data: at('outside.jsonl'),
        out: at('outside-out.jsonl'),
        signal: run.signal,
      },
      queue: { url: valkey.url, folder },
    })
    const queue = new Queue('tp-shards', { connection: { url: valkey.url } })
    await queue.add('shard', { key: 'f00', spec: { version: 2 } })
    while (reasons.length < 2) await new Promise((resolve) => setTimeout(resolve, 50))
    expect(reasons.join('\n')).toMatch(/is not in .*model/)
    expect(reasons.join('\n')).toContain('another version of @tp/bulk')
    run.abort(new Error('enough'))
    await expect(running).rejects.toMatchObject({ code: 'TP_ABORTED' })
    expect(await queue.getJobCountByTypes('wait', 'delayed')).toBe(0)
    await queue.close()
    stop.abort()
    await worker
  })
})

const without = whyNoPostgres === undefined ? '' : ` (left out: ${whyNoPostgres})`

describe.skipIf(without !== '')(`PostgreSQL as the queue${without}`, () => {
  test('loses no process and no row, though it ends all connections again and again, and is killed', {
    tags: 'exhaustive',
    timeout: 120_000,
  }, async () => {
    writeMails(at('ended.jsonl'), 120, 600)
    const options = { model: at('model', 'model.onnx'), data: at('ended.jsonl'), shardRows: 4, threads: 1 }
    await runBulk({ ...options, out: at('ended-undisturbed.jsonl') })
    using postgres = await startPostgres()
    // Tables are made once, which takes its time.
    await (await connect(postgres.url))[Symbol.asyncDispose]()
    await using workers = startWorkers({ count: 2, url: postgres.url, folder, lostAfter: 1 })
    const out = at('ended-out.jsonl')
    let turn = 0
    // While workers connect and shards are added, too.
    const ending = setInterval(() => (++turn % 3 === 0 ? postgres.restart() : postgres.endConnections()), 1000)
    await runBulk({ ...options, out, queue: { url: postgres.url, folder } }).finally(() => clearInterval(ending))
    process.stderr.write(`connections were ended ${turn} times\n`)
    expect(workers.lost).toBe(0)
    expect(readFileSync(out)).toEqual(readFileSync(at('ended-undisturbed.jsonl')))
  })

  test('refuses a server that lets nobody in', { tags: 'exhaustive' }, async () => {
    using postgres = await startPostgres()
    const { signal } = new AbortController()
    const started = runWorker({ queue: postgres.url.replace(/tp$/, 'other'), folder, signal })
    await expect(started).rejects.toMatchObject({
      code: 'TP_QUEUE',
      message: expect.stringMatching(/refuses: database "other" does not exist/),
    })
  })
})

describe('a queue that cannot be used is refused', () => {
  test('no server, and no URL of one', async () => {
    const signal = new AbortController().signal
    await expect(runWorker({ queue: 'localhost', folder, signal })).rejects.toMatchObject({ code: 'TP_OPTION' })
    const { openQueue } = await connect('redis://127.0.0.1:1', 200)
    await expect(openQueue()).rejects.toMatchObject({
      code: 'TP_QUEUE',
      message: expect.stringContaining('127.0.0.1:1 does not answer'),
    })
  })

  test('files that workers do not have, also through links', async () => {
    mkdirSync(at('shared'))
    writeFileSync(at('private.txt'), 'x')
    symlinkSync(at('private.txt'), at('shared', 'link.txt'))
    for (const path of [at('private.txt'), at('shared', 'link.txt'), at('shared')])
      await expect(toShared(at('shared'), path, 'the data')).rejects.toMatchObject({ code: 'TP_OPTION' })
  })
})
