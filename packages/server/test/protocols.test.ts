import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { embed } from '@tp/compare'
import type { Session } from '@tp/core/runtime'
import { loadTokenizer } from '@tp/data'
import { textDataset, textInputs } from '@tp/data/inputs'
import { modelPath } from '@tp/models'
import { encodeModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { numbers, speech, speechEncoder, speechSizes } from 'exported-encoders'
import OpenAI, { NotFoundError } from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Server, serve } from '../src/index.ts'
import { asking } from './client.ts'
import { modelFolder } from './folders.ts'
import { half, mailModel, ranker } from './models.ts'
import { hasNative, noteWithoutNative } from './native.ts'

const folder = modelFolder()
const texts = ['See you at the meeting on Monday', 'You have won a prize, click here now, it is free', 'lunch?']
let server: Server
let ask: ReturnType<typeof asking>
let vectors: readonly (readonly number[])[]
let logits: readonly (readonly number[])[]

beforeAll(async () => {
  const paths = [
    folder.add('mail', mailModel()),
    folder.add('states', mailModel({ states: true, schedule: half, restore: 'none' })),
    folder.add('ranker', ranker()),
  ] as const
  server = await serve({ models: paths.map((path) => ({ path })), port: 0, drainMs: 0 })
  ask = asking(server)
  // The results of the toolkit's own evaluation, on another runtime, text by text.
  const tokenizer = await loadTokenizer(modelPath('mail', 'tokenizer'))
  const inputsOf = (session: Session) =>
    textInputs(
      textDataset(
        'texts',
        texts.map((text) => ({ text, label: 0 })),
      ),
      session.inputs,
      tokenizer,
    )
  await using states = await nodeRuntime().load(readFileSync(paths[1]))
  const embedded = await embed(states, await inputsOf(states), { batchSize: 1 })
  vectors = embedded.vectors.map((vector) => Array.from(vector))
  await using mail = await nodeRuntime().load(readFileSync(paths[0]))
  const inputs = await inputsOf(mail)
  const rows: number[][] = []
  for (const i of texts.keys()) rows.push(numbers((await mail.run(await inputs.feeds([i]))).logits))
  logits = rows
})
afterAll(() => server.close())

function expectClose(seen: readonly (readonly number[])[], expected: readonly (readonly number[])[], digits = 4): void {
  expect(seen.map((row) => row.length)).toEqual(expected.map((row) => row.length))
  for (const [i, row] of seen.entries())
    for (const [j, value] of row.entries()) expect(value).toBeCloseTo(expected[i]?.[j] as number, digits)
}

describe("OpenAI's client", () => {
  const client = (): OpenAI => new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 })

  test('gets the embeddings that the toolkit computes, encoded as base64 and as numbers', async () => {
    for (const more of [{}, { encoding_format: 'float' }, { encoding_format: 'base64' }] as const) {
      const { data, model, usage } = await client().embeddings.create({ model: 'states', input: texts, ...more })
      expect([model, data.map(({ index }) => index), usage.prompt_tokens > 20]).toEqual(['states', [0, 1, 2], true])
      const seen = data.map(({ embedding }) =>
        typeof embedding === 'string'
          ? Array.from(new Float32Array(Uint8Array.from(Buffer.from(embedding, 'base64')).buffer))
          : embedding,
      )
      expectClose(seen, vectors)
    }
  })

  test('gets the first dimensions, of length 1', async () => {
    const { data } = await client().embeddings.create({ model: 'states', input: texts[0] as string, dimensions: 16 })
    const start = vectors[0]?.slice(0, 16) ?? []
    expectClose([data[0]?.embedding ?? []], [start.map((value) => value / Math.hypot(...start))])
    const more = client().embeddings.create({ model: 'states', input: texts[0] as string, dimensions: 129 })
    await expect(more).rejects.toThrow(/the model's vectors have 128/)
  })

  test('lists the models, and reports that there is none of that name', async () => {
    const names: string[] = []
    for await (const { id } of client().models.list()) names.push(id)
    expect(names).toEqual(['mail', 'states', 'ranker'])
    const wrong = client().embeddings.create({ model: 'other', input: 'text' })
    await expect(wrong).rejects.toThrow(NotFoundError)
    await expect(wrong).rejects.toMatchObject({ code: 'TP_UNKNOWN_MODEL', type: 'invalid_request_error' })
  })
})

describe('the routes of text-embeddings-inference', () => {
  test('embed one text or several, of length 1 unless asked otherwise', async () => {
    expectClose((await ask('/embed', { inputs: texts })).body, vectors)
    expectClose((await ask('/embed', { inputs: texts[1] })).body, [vectors[1] ?? []])
    const { body } = await ask('/embed', { inputs: texts[1], normalize: false })
    const length = Math.hypot(...body[0])
    expect(length).not.toBeCloseTo(1, 1)
    expectClose([body[0].map((value: number) => value / length)], [vectors[1] ?? []])
  })

  test('begins the texts of an embedder with its default prompt', async () => {
    const path = folder.add('prompted', mailModel({ states: true, schedule: half, restore: 'none' }))
    const config = { prompts: { mail: `${texts[0]} ` }, default_prompt_name: 'mail' }
    writeFileSync(folder.at('prompted', 'config_sentence_transformers.json'), JSON.stringify(config))
    await using own = await serve({ models: [{ path }], port: 0, drainMs: 0 })
    const { body } = await ask('/embed', { inputs: `${texts[0]} ${texts[1]}` })
    expectClose((await asking(own)('/embed', { inputs: texts[1] })).body, body)
  })

  test('predict classes by their names, the most probable first', async () => {
    const softmax = (row: readonly number[]): number[] =>
      row.map((x) => Math.exp(x) / row.reduce((sum, y) => sum + Math.exp(y), 0))
    const { body } = await ask('/predict', { inputs: texts.map((text) => [text]) })
    const scores = body.map((classes: { label: string; score: number }[]) =>
      ['ham', 'spam'].map((label) => classes.find((each) => each.label === label)?.score),
    )
    expectClose(scores, logits.map(softmax))
    expect(body.every(([first, second]: { score: number }[]) => (first?.score ?? 0) >= (second?.score ?? 1))).toBe(true)
    const raw = await ask('/predict', { inputs: texts[0], raw_scores: true })
    expectClose([raw.body.map(({ score }: { score: number }) => score)], [[...(logits[0] ?? [])].sort((a, b) => b - a)])
  })

  test('rank texts by their scores with a query', async () => {
    const { body } = await ask('/rerank', { query: 'offers', texts, return_text: true })
    expect(body.map(({ index }: { index: number }) => index).sort()).toEqual([0, 1, 2])
    expect(body[0]).toEqual({ index: 1, text: texts[1], score: expect.closeTo(0.97, 1) })
    const { body: pair } = await ask('/predict', { inputs: ['offers', texts[1]], model: 'ranker' })
    expect(pair[0].score).toBeCloseTo(body[0].score, 5)
    expect((await ask('/rerank', { query: 'offers', texts: [texts[1]], raw_scores: true })).body[0].score).toBeCloseTo(
      Math.log(body[0].score / (1 - body[0].score)),
      3,
    )
  })

  test('POST / does what the first model is for', async () => {
    expect(await ask('/', { inputs: texts[1] })).toMatchObject({
      body: (await ask('/predict', { inputs: texts[1] })).body,
    })
    for (const [name, body, route] of [
      ['states', { inputs: texts[1] }, '/embed'],
      ['ranker', { query: 'offers', texts }, '/rerank'],
    ] as const) {
      await using own = await serve({ models: [{ path: folder.at(name, 'model.onnx') }], port: 0, drainMs: 0 })
      const askOwn = asking(own)
      expect((await askOwn('/')).status).toBe(200)
      expect(await askOwn('/', body)).toMatchObject({ status: 200, body: (await askOwn(route, body)).body })
    }
  })

  test('GET / tells people what is served, by commands that work', async () => {
    const { status, headers, body } = await ask('/')
    expect([status, headers.get('content-type')]).toEqual([200, 'text/plain; charset=utf-8'])
    expect(body).toMatch(/mail \(version [0-9a-f]{12}\): a class for each text\n {2}states /)
    expect(body).toContain('docs/serving.md')
    expect(body).not.toContain(folder.at())
    const commands = [...body.matchAll(/^ {2}curl (http:\S+)(?: -H 'Content-Type: application\/json' -d '(.*)')?$/gm)]
    expect(commands.length).toBe(body.split('curl').length - 1)
    const paths = commands.map(([, url = '']) => url.slice(server.url.length))
    expect(paths).toEqual([
      ...['/predict', '/rerank', '/embed', '/v1/embeddings', '/v2/models/mail/infer'],
      ...[
        '/v2/models/mail',
        '/v2/models/states',
        '/v2/models/ranker',
        '/v1/models',
        '/info',
        '/v2/health/ready',
        '/metrics',
      ],
    ])
    for (const [i, [, , sent]] of commands.entries())
      expect([paths[i], (await ask(paths[i] as string, sent)).status]).toEqual([paths[i], 200])
  })

  test('HEAD / has the headers of GET / alone', async () => {
    const [head, whole] = [await fetch(server.url, { method: 'HEAD' }), await fetch(server.url)]
    expect([head.status, await head.text()]).toEqual([200, ''])
    for (const name of ['content-type', 'content-length']) expect(head.headers.get(name)).toBe(whole.headers.get(name))
  })

  test('say what is served', async () => {
    expect((await ask('/info?model=states')).body).toMatchObject({
      model_id: 'states',
      model_type: { embedding: { pooling: 'mean' } },
      max_input_length: 512,
    })
    const { notes } = (await ask('/info?model=states')).body
    expect(notes).toEqual([expect.stringContaining('assumed to be their mean; if it was trained otherwise, write')])
    expect((await ask('/info')).body.notes).toEqual([])
    expect((await ask('/info')).body.model_type).toMatchObject({ classifier: { id2label: { 0: 'ham', 1: 'spam' } } })
    expect((await ask('/health')).status).toBe(200)
  })
})

test('a model that is known by the name of its folder is pooled as it was trained, and /info reports it', async () => {
  const names = ['bge-small-en-v1.5', 'explicit']
  const paths = names.map((name) => folder.add(name, mailModel({ states: true })))
  mkdirSync(folder.at('explicit', '1_Pooling'))
  writeFileSync(folder.at('explicit', '1_Pooling', 'config.json'), '{"pooling_mode":"cls"}')
  const models = paths.map((path) => ({ path, threads: 1, runtime: nodeRuntime() }))
  await using own = await serve({ models, port: 0, drainMs: 0 })
  const askOwn = asking(own)
  const { body } = await askOwn('/info')
  expect(body).toMatchObject({
    model_type: { embedding: { pooling: 'class token' } },
    notes: [expect.stringContaining('by the class token')],
  })
  const embeddings = names.map(async (model) => (await askOwn('/embed', { inputs: texts.slice(0, 1), model })).body)
  const [known, explicit] = await Promise.all(embeddings)
  expect(known[0]).toHaveLength(128)
  expectClose(known, explicit)
})

describe('several runs at once', () => {
  const runtimes = [
    { name: 'workers of onnxruntime-node', options: {}, more: { runtime: nodeRuntime() } },
    ...(hasNative ? [{ name: 'the native runtime, of a packed file', options: { packed: true }, more: {} }] : []),
  ]
  test.each(runtimes)('on $name give the same answers', async ({ name, options, more }) => {
    const path = folder.add(name.replaceAll(' ', '-'), mailModel(options))
    await using own = await serve({
      models: [{ path, atOnce: 2, threads: 1, batchTokens: 32, ...more }],
      port: 0,
      drainMs: 0,
    })
    expect(own.models[0]?.current.engine.packed).toBe(options === runtimes[1]?.options)
    const many = Array.from({ length: 24 }, (_, i) => [texts[i % 3]])
    const { body } = await asking(own)('/predict', { inputs: many, raw_scores: true })
    const spam = body.map((classes: { label: string; score: number }[]) => [
      classes.find(({ label }) => label === 'spam')?.score,
    ])
    expectClose(
      spam,
      many.map((_, i) => [logits[i % 3]?.[1] as number]),
    )
  })
  noteWithoutNative('on the native runtime')
})

describe('the Open Inference Protocol', () => {
  const tensors = {
    inputs: [
      { name: 'input_ids', shape: [2, 4], datatype: 'INT64', data: [2, 314, 15, 3, 2, 271, 3, 0] },
      {
        name: 'attention_mask',
        shape: [2, 4],
        datatype: 'INT64',
        data: [
          [1, 1, 1, 1],
          [1, 1, 1, 0],
        ],
      },
    ],
  }

  test('has health, metadata and readiness of server and models', async () => {
    expect((await ask('/v2/health/live')).body).toEqual({ live: true })
    expect((await ask('/v2/health/ready')).body).toEqual({ ready: true })
    expect((await ask('/v2')).body).toEqual({
      name: 'tp',
      version: expect.any(String),
      extensions: ['binary_tensor_data', 'model_configuration', 'statistics'],
    })
    const { body } = await ask('/v2/models/mail')
    expect(body).toMatchObject({
      name: 'mail',
      inputs: [
        { name: 'input_ids', datatype: 'INT64', shape: [-1, -1] },
        { name: 'attention_mask', datatype: 'INT64', shape: [-1, -1] },
      ],
      outputs: [{ name: 'logits', datatype: 'FP32', shape: [-1, 2] }],
    })
    const [version] = body.versions
    expect((await ask(`/v2/models/mail/versions/${version}`)).body).toEqual(body)
    expect((await ask(`/v2/models/mail/versions/${version}/ready`)).body).toEqual({ name: 'mail', ready: true })
    expect((await ask('/v2/models/mail/versions/1')).status).toBe(404)
    expect((await ask('/v2/models/other/ready')).status).toBe(404)
  })

  test("has Triton's configuration of a model", async () => {
    const { body } = await ask('/v2/models/mail/config')
    expect(body).toMatchObject({
      name: 'mail',
      platform: 'onnxruntime_onnx',
      max_batch_size: 128,
      input: [
        { name: 'input_ids', data_type: 'TYPE_INT64', dims: [-1] },
        { name: 'attention_mask', data_type: 'TYPE_INT64', dims: [-1] },
      ],
      output: [{ name: 'logits', data_type: 'TYPE_FP32', dims: [2] }],
    })
    expect((await ask('/v2/models/other/config')).status).toBe(404)
  })

  test("has the index of Triton's repository, with and without a body", async () => {
    const { version } = server.models[0]?.current ?? {}
    for (const body of ['', { ready: true }]) {
      const index = (await ask('/v2/repository/index', body, body === '' ? {} : undefined)).body
      expect(index.map(({ name }: { name: string }) => name)).toEqual(['mail', 'states', 'ranker'])
      expect(index[0]).toEqual({ name: 'mail', version, state: 'READY', reason: '' })
    }
  })

  test("has Triton's statistics: requests by their outcome, and rows and runs of each model", async () => {
    await using own = await serve({ models: [{ path: folder.at('mail', 'model.onnx') }], port: 0, drainMs: 0 })
    const askOwn = asking(own)
    expect((await askOwn('/v2/models/stats')).body.model_stats).toMatchObject([{ name: 'mail', inference_count: 0 }])
    await askOwn('/predict', { inputs: [['lunch?'], ['lunch!']] })
    await askOwn('/embed', { inputs: 'lunch' })
    const { body } = await askOwn('/v2/models/mail/stats')
    const [{ last_inference: last, execution_count: runs, inference_stats: stats, batch_stats: sizes }] =
      body.model_stats
    expect(body.model_stats[0]).toMatchObject({ name: 'mail', inference_count: 2 })
    expect(Math.abs(last - Date.now())).toBeLessThan(60_000)
    expect([stats.success.count, stats.fail.count, stats.queue.count, stats.compute_infer.count]).toEqual([1, 1, 2, 2])
    expect(stats.success.ns).toBeGreaterThan(stats.compute_infer.ns / 2)
    const counts = sizes.map((size: { batch_size: number; compute_infer: { count: number } }) => {
      return [size.batch_size, size.compute_infer.count]
    })
    expect(counts).toEqual(runs === 1 ? [[2, 1]] : [[1, 2]])
  })

  test('answers tensors with the requested outputs', async () => {
    const { body } = await ask('/v2/models/mail/infer', { id: '7', ...tensors, outputs: [{ name: 'logits' }] })
    expect(body).toMatchObject({
      model_name: 'mail',
      id: '7',
      outputs: [{ name: 'logits', shape: [2, 2], datatype: 'FP32' }],
    })
    const alone = await ask('/v2/models/mail/infer', {
      inputs: [
        { name: 'input_ids', shape: [1, 3], datatype: 'INT64', data: [2, 271, 3] },
        { name: 'attention_mask', shape: [1, 3], datatype: 'INT64', data: [1, 1, 1] },
      ],
    })
    expectClose([body.outputs[0].data.slice(2)], [alone.body.outputs[0].data])
  })

  test('gives the states of an encoder of speech, which has no embeddings of texts', async () => {
    const { mels, frames, tokens, hidden } = speechSizes
    const path = folder.add('speech', encodeModel(speechEncoder({ reads: 'frames' })))
    const own = await serve({ models: [{ path }], port: 0, drainMs: 0 })
    try {
      expect(own.models.map(({ current: { task, vectors } }) => ({ task, vectors }))).toEqual([{ task: 'states' }])
      const asks = asking(own)
      const data = Array.from(speech('frames', [20]))
      const input = { name: 'input_features', shape: [1, mels, frames], datatype: 'FP32', data }
      const { body } = await asks('/v2/models/speech/infer', { inputs: [input] })
      expect(body.outputs).toMatchObject([{ name: 'last_hidden_state', shape: [1, tokens, hidden] }])
      expect((await asks('/embed', { inputs: 'a text' })).body).toMatchObject({
        code: 'TP_TASK',
        error: expect.stringMatching(/its task is states$/),
      })
    } finally {
      await own.close()
    }
  })

  test('answers texts by the model’s tokenizer', async () => {
    const { body } = await ask('/v2/models/mail/infer', {
      inputs: [{ name: 'text', shape: [3], datatype: 'BYTES', data: texts }],
    })
    const { shape, data } = body.outputs[0]
    expect(shape).toEqual([3, 2])
    expectClose(
      [0, 1, 2].map((row) => data.slice(2 * row, 2 * row + 2)),
      logits,
    )
  })

  test('reads and writes binary tensors', async () => {
    const json = await ask('/v2/models/states/infer', tensors)
    const header = {
      parameters: { binary_data_output: true },
      inputs: tensors.inputs.map(({ name, shape, datatype }) => ({
        name,
        shape,
        datatype,
        parameters: { binary_data_size: 64 },
      })),
    }
    const start = Buffer.from(JSON.stringify(header))
    const values = tensors.inputs.map(({ data }) => Buffer.from(BigInt64Array.from(data.flat().map(BigInt)).buffer))
    const response = await fetch(`${server.url}/v2/models/states/infer`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream', 'inference-header-content-length': String(start.length) },
      body: Buffer.concat([start, ...values]),
    })
    const bytes = Buffer.from(await response.arrayBuffer())
    const length = Number(response.headers.get('inference-header-content-length'))
    const { outputs } = JSON.parse(bytes.toString('utf8', 0, length))
    expect(outputs.map(({ name }: { name: string }) => name)).toEqual(
      json.body.outputs.map(({ name }: { name: string }) => name),
    )
    const { shape, parameters } = outputs[0]
    const seen = new Float32Array(Uint8Array.from(bytes.subarray(length, length + parameters.binary_data_size)).buffer)
    expect(shape).toEqual(json.body.outputs[0].shape)
    expect(Array.from(seen)).toEqual(json.body.outputs[0].data)
  })
})
