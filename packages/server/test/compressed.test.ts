import { deflateSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Server, serve } from '../src/index.ts'
import { asking } from './client.ts'
import { modelFolder } from './folders.ts'
import { mailModel } from './models.ts'

const folder = modelFolder()
let server: Server
let ask: ReturnType<typeof asking>

beforeAll(async () => {
  const models = [{ path: folder.add('mail', mailModel()), threads: 1 }]
  server = await serve({ models, port: 0, drainMs: 0, limits: { body: 20_000 } })
  ask = asking(server)
})
afterAll(() => server.close())

const json = { 'content-type': 'application/json' }
const text = JSON.stringify({ inputs: 'You have won a prize' })
const infer = '/v2/models/mail/infer'
const tensors = (): { header: string; rest: Buffer } => {
  const inputs = ['input_ids', 'attention_mask'].map((name) => {
    return { name, shape: [1, 3], datatype: 'INT64', parameters: { binary_data_size: 24 } }
  })
  return { header: JSON.stringify({ inputs }), rest: Buffer.from(BigInt64Array.of(2n, 40n, 3n, 1n, 1n, 1n).buffer) }
}

test.each(['/predict', '/embed', infer])('refuses bytes at %s that are not UTF-8', async (route) => {
  const body = Buffer.concat([Buffer.from('{"inputs":"caf'), Buffer.of(0xe9), Buffer.from('"}')])
  expect(await ask(route, body, json)).toMatchObject({
    status: 400,
    body: { code: 'TP_REQUEST', error: expect.stringContaining('not valid UTF-8') },
  })
})

describe('compressed bodies', () => {
  test.each([
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['deflate', deflateSync],
  ] as const)('reads compressed bodies as %s says', async (encoding, compress) => {
    const headers = { ...json, 'content-encoding': encoding }
    const answer = await ask('/predict', compress(text), headers)
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual((await ask('/predict', text)).body)
  })

  test('may hold binary tensors, whose header says where they begin in what was compressed', async () => {
    const { header, rest } = tensors()
    const body = Buffer.concat([Buffer.from(header), rest])
    const headers = {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': `${header.length}`,
    }
    const plain = await ask(infer, body, headers)
    expect(plain.status).toBe(200)
    expect((await ask(infer, gzipSync(body), { ...headers, 'content-encoding': 'gzip' })).body).toEqual(plain.body)
  })

  test.each([
    ['of another encoding', text, 'br', 415, 'TP_MEDIA_TYPE'],
    ['of two encodings', gzipSync(gzipSync(text)), 'gzip, gzip', 415, 'TP_MEDIA_TYPE'],
    ['of the name of a method', text, 'constructor', 415, 'TP_MEDIA_TYPE'],
    ['that are not compressed', text, 'gzip', 400, 'TP_REQUEST'],
    ['that are cut short', gzipSync(text).subarray(0, -9), 'gzip', 400, 'TP_REQUEST'],
    ['that are empty', '', 'gzip', 400, 'TP_REQUEST'],
    ['that are longer than the limit before', gzipSync(randomText(60_000)), 'gzip', 413, 'TP_BODY_SIZE'],
    // 16 MiB in 16 kB, of which no more than the limit is inflated.
    ['that are longer than the limit after', gzipSync(Buffer.alloc(2 ** 24)), 'gzip', 413, 'TP_BODY_SIZE'],
  ])('%s are refused', async (_what, body, encoding, status, code) => {
    for (const route of ['/predict', infer]) {
      const answer = await ask(route, body, { ...json, 'content-encoding': encoding })
      expect([answer.status, answer.body.code]).toEqual([status, code])
    }
    expect((await ask('/predict', text)).status).toBe(200)
  })

  test('refuses a type that is not read, whatever is in the body', async () => {
    const headers = { 'content-type': 'application/xml', 'content-encoding': 'gzip' }
    expect((await ask('/predict', 'no gzip', headers)).status).toBe(415)
    expect((await ask('/predict', text)).status).toBe(200)
  })
})

function randomText(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, i) => (i * 7919 * (i % 251)) % 256))
}
