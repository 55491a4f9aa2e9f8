import { once } from 'node:events'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { decodeModel, encodeModel } from '@tp/onnx'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Server, serve } from '../src/index.ts'
import { asking } from './client.ts'
import { modelFolder } from './folders.ts'
import { malformed } from './malformed.ts'
import { half, mailModel } from './models.ts'

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../../tools/exported-encoders/fixtures/${name}/model.onnx`, import.meta.url))
const folder = modelFolder()
let server: Server
let ask: ReturnType<typeof asking>
let path = ''

const tensor = (more: object): object => ({
  inputs: [{ name: 'input_ids', shape: [1, 2], datatype: 'INT64', data: [2, 3], ...more }],
})
const INFER = '/v2/models/mail/infer'

beforeAll(async () => {
  path = folder.add('mail', mailModel())
  const model = { path, queueTokens: 2000, batchTokens: 512, maxTokens: 100 }
  server = await serve({ models: [model], port: 0, drainMs: 0, limits: { texts: 8, body: 20_000, values: 100 } })
  ask = asking(server)
})
afterAll(() => server.close())

test.each([
  ['no JSON', '/predict', '{"inputs":', 400, 'TP_REQUEST'],
  ['nothing', '/predict', '', 400, 'TP_REQUEST'],
  ['another type than text', '/predict', { inputs: 5 }, 400, 'TP_REQUEST'],
  ['a number that looks like text elsewhere', '/predict', { inputs: 'text', truncate: 'yes' }, 400, 'TP_REQUEST'],
  ['no texts', '/predict', { inputs: [] }, 400, 'TP_REQUEST'],
  ['too many texts', '/predict', { inputs: new Array(9).fill(['text']) }, 413, 'TP_TOO_MANY'],
  ['a text of too many tokens', '/predict', { inputs: 'word '.repeat(101) }, 413, 'TP_TOO_LONG'],
  ['too many bytes', '/predict', { inputs: 'x'.repeat(30_000) }, 413, 'TP_BODY_SIZE'],
  ['names that change objects', '/predict', '{"inputs":"text","__proto__":{"x":1}}', 400, 'TP_REQUEST'],
  ['a template of prompts that is not there', '/embed', { inputs: 'text', prompt_name: 'query' }, 400, 'TP_REQUEST'],
  ['embeddings of a classifier', '/embed', { inputs: 'text' }, 424, 'TP_TASK'],
  ['a model that is not there', '/embed', { inputs: 'text', model: '../secret' }, 404, 'TP_UNKNOWN_MODEL'],
  ['an address that cannot be decoded', '/v2/models/%zz/infer', {}, 400, 'TP_REQUEST'],
  ['a name that is too long', `/v2/models/${'a'.repeat(300)}/infer`, {}, 414, 'TP_REQUEST'],
  ['a route that is not there', '/embed_sparse', { inputs: 'text' }, 404, 'TP_NOT_FOUND'],
  ['no inputs', INFER, { inputs: [] }, 400, 'TP_REQUEST'],
  ['an unknown datatype', INFER, tensor({ datatype: 'BF16' }), 400, 'TP_REQUEST'],
  ['fewer numbers than the shape says', INFER, tensor({ shape: [1, 3] }), 400, 'TP_REQUEST'],
  ['a shape of more memory than there is', INFER, tensor({ shape: [2 ** 30, 2 ** 20] }), 400, 'TP_REQUEST'],
  ['a missing input', INFER, tensor({}), 400, 'TP_INPUT'],
  ['fractions for whole numbers', INFER, tensor({ data: [2.5, 3] }), 400, 'TP_REQUEST'],
  ['text for numbers', INFER, tensor({ data: ['2', 3] }), 400, 'TP_REQUEST'],
  [
    'binary data that are not there',
    INFER,
    tensor({ data: undefined, parameters: { binary_data_size: 16 } }),
    400,
    'TP_REQUEST',
  ],
])('a request with %s is refused with its code', async (_what, route, body, status, code) => {
  const answer = await ask(route, body)
  expect([answer.status, answer.body.code]).toEqual([status, code])
  expect(answer.body.error).toMatch(/\w{3}/)
})

describe('tensors that cannot be run are refused', () => {
  const infer = (ids: readonly number[], mask: readonly number[]) =>
    ask(INFER, {
      inputs: [
        { name: 'input_ids', shape: [1, ids.length], datatype: 'INT64', data: ids },
        { name: 'attention_mask', shape: [1, mask.length], datatype: 'INT64', data: mask },
      ],
    })

  test.each([
    ['ids beyond the vocabulary', [2, 8192, 3], [1, 1, 1]],
    ['negative ids', [2, -1, 3], [1, 1, 1]],
    ['no attended token', [2, 5, 3], [0, 0, 0]],
    ['inputs of different lengths', [2, 5, 3], [1, 1]],
  ])('for %s', async (_what, ids, mask) => {
    const { status, body } = await infer(ids, mask)
    expect([status, body.code]).toEqual([400, 'TP_INPUT'])
  })

  test('for more tokens than are allowed', async () => {
    const { status, body } = await infer(new Array(101).fill(5), new Array(101).fill(1))
    expect([status, body.code]).toEqual([413, 'TP_TOO_LONG'])
  })
})

test('an answer of more numbers than are written as JSON is refused, and sent as binary data', async () => {
  const inputs = [{ name: 'text', shape: [1], datatype: 'BYTES', data: ['text'] }]
  // Two numbers each.
  const outputs = new Array(51).fill({ name: 'logits' })
  const { status, body } = await ask(INFER, { inputs, outputs })
  expect([status, body.code]).toEqual([413, 'TP_TOO_MANY'])
  expect((await ask(INFER, { inputs, outputs: outputs.slice(1) })).status).toBe(200)
  expect((await ask(INFER, { inputs, outputs, parameters: { binary_data_output: true } })).status).toBe(200)
})

test('a text is cut where the request says so', async () => {
  const long = 'free money '.repeat(300)
  const { status, body } = await ask('/predict', { inputs: long, truncate: true })
  expect(status).toBe(200)
  const short = await ask('/predict', { inputs: 'free money '.repeat(49) })
  expect(body[0].score).toBeCloseTo(short.body[0].score, 4)
})

test('a text without an end of words is looked at only in part', async () => {
  for (const one of ['a', ' ', '好']) {
    const { status, body } = await ask('/predict', { inputs: one.repeat(6500) })
    expect([status, body.code]).toEqual([413, 'TP_TOO_LONG'])
    expect((await ask('/predict', { inputs: one.repeat(6500), truncate: true })).status).toBe(200)
  }
})

test('answers 429 with the time to wait where there is no room, and answers all that it accepts', async () => {
  const requests = Array.from({ length: 30 }, () =>
    ask('/predict', { inputs: new Array(8).fill(['word '.repeat(90)]) }),
  )
  const answers = await Promise.all(requests)
  const refused = answers.filter(({ status }) => status === 429)
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 429]))
  for (const { headers, body } of refused) {
    expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    expect(body).toMatchObject({ error_type: 'overloaded', code: 'TP_BUSY' })
  }
})

test('the work of a client that has gone is dropped', async () => {
  const long = { inputs: new Array(8).fill(['word '.repeat(90)]) }
  const before = await rowsRun()
  const gone = new AbortController()
  const others = [ask('/predict', long), ask('/predict', long)]
  const dropped = ask('/predict', long, undefined, gone.signal).catch(() => 'gone')
  // less than the work of the two before it takes
  await setTimeout(10)
  gone.abort()
  expect(await dropped).toBe('gone')
  await Promise.all(others)
  await setTimeout(50)
  expect((await rowsRun()) - before).toBeLessThan(24)
})

test('clients that go away leave room for others, and one that never asks keeps no server from ending', async () => {
  const limits = { requests: 2 }
  const own = await serve({ models: [{ path, threads: 1, maxWait: 2000 }], port: 0, drainMs: 0, limits })
  const askOwn = asking(own)
  const waiting = (): number | undefined => own.models[0]?.current.engine.waiting().rows
  for (let i = 0; i < 4; i++) {
    const gone = new AbortController()
    const dropped = expect(askOwn('/predict', { inputs: 'text' }, undefined, gone.signal)).rejects.toThrow()
    await expect.poll(waiting).toBe(1)
    gone.abort()
    await dropped
    await expect.poll(waiting).toBe(0)
  }
  expect((await askOwn('/metrics')).body).toMatch(/tp_request_seconds_count\{route="\/predict",status="499"\} 4/)
  const silent = connect(Number(new URL(own.url).port), '127.0.0.1')
  await once(silent, 'connect')
  const closed = once(silent, 'close')
  const start = performance.now()
  await own.close()
  expect(performance.now() - start).toBeLessThan(10_000)
  await closed
})

test('metrics tell of requests, queue and batches', async () => {
  const { body } = await ask('/metrics')
  for (const name of [
    'tp_request_seconds_bucket',
    'tp_queue_seconds_count',
    'tp_run_seconds_sum',
    'tp_batch_tokens_bucket',
    'tp_queue_tokens',
    'process_resident_memory_bytes',
  ]) {
    expect(body).toContain(name)
  }
  expect(body).toContain('route="/v2/models/:model/infer"')
})

async function rowsRun(): Promise<number> {
  const { body } = await ask('/metrics')
  return Number(/^tp_batch_rows_sum\{.*\} (\d+)/m.exec(body)?.[1])
}

test('malformed requests of all sorts are answered 4xx, and the server goes on', async () => {
  const seen = new Set<number>()
  await fc.assert(
    fc.asyncProperty(malformed(INFER), async ({ route, body, headers }) => {
      const { status } = await ask(route, body, headers)
      seen.add(status)
      // Some are right by chance.
      expect(status === 200 || (status >= 400 && status < 500)).toBe(true)
    }),
    { numRuns: Number(process.env.TP_REQUESTS ?? 300) },
  )
  expect(seen).toContain(400)
  expect((await ask('/predict', { inputs: 'text' })).status).toBe(200)
})

test('a model that keeps data outside its folder is refused', async () => {
  const outside = decodeModel(readFileSync(fixture('bert-cls-external')))
  for (const { externalData } of outside.proto.graph?.initializer ?? []) {
    for (const entry of externalData) if (entry.key === 'location') entry.value = '../secret'
  }
  const models = [{ path: folder.add('outside', encodeModel(outside)) }]
  await expect(serve({ models, port: 0 })).rejects.toThrow(expect.objectContaining({ code: 'TP_EXTERNAL_PATH' }))
})

describe('a file that is replaced', () => {
  const predict = async (): Promise<number> => {
    const { status, body } = await ask('/predict', { inputs: 'see you at lunch, it is free', raw_scores: true })
    expect(status).toBe(200)
    return body[0].score
  }

  test('answers all later requests, and none of those meanwhile is lost', async () => {
    const before = await predict()
    writeFileSync(path, mailModel({ schedule: half }))
    let isDone = false
    const seen: number[] = []
    const clients = Array.from({ length: 4 }, async () => {
      while (!isDone) seen.push(await predict())
    })
    expect(await server.reload()).toEqual([{ name: 'mail' }])
    isDone = true
    await Promise.all(clients)
    const after = await predict()
    expect(Math.abs(after - before)).toBeGreaterThan(1e-4)
    for (const score of seen) expect(Math.min(Math.abs(score - before), Math.abs(score - after))).toBeLessThan(1e-4)
  })

  test('leaves the model out if it cannot be opened', async () => {
    const before = await predict()
    const right = readFileSync(path)
    writeFileSync(path, right.subarray(0, 1000))
    expect(await server.reload()).toMatchObject([{ name: 'mail', error: { code: expect.stringMatching(/^TP_/) } }])
    expect(await predict()).toBeCloseTo(before, 5)
    writeFileSync(path, right)
  })

  test('leaves the model out if its tokenizer is missing, so that texts are answered as before', async () => {
    const before = await predict()
    const tokenizer = folder.at('mail', 'tokenizer.json')
    renameSync(tokenizer, `${tokenizer}.away`)
    expect(await server.reload()).toMatchObject([{ name: 'mail', error: { code: 'TP_SERVE' } }])
    expect(await predict()).toBeCloseTo(before, 5)
    renameSync(`${tokenizer}.away`, tokenizer)
    expect(await server.reload()).toEqual([{ name: 'mail' }])
  })
})
