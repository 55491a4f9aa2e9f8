import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { runtimeModels, testRuntime } from '@tp/core/testing'
import { wasmRuntime } from '@tp/runtime-web'
import { webgpuRuntime } from '@tp/runtime-web/webgpu'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

// 24 products of 384 × 384 take wasm a tenth of a second.
const kit = { slowSize: 384 }
testRuntime(wasmRuntime(), { threads: 1 }, kit)

const { load } = wasmRuntime()
const { sumModel, slowModel } = runtimeModels

// y = x + w, where w (2 floats) is external data; a SequenceConstruct. Written by Python's onnx.helper.
const externalModel = bytes(
  'CAg6dAoOCgF4CgF3EgF5IgNBZGQSCGV4dGVybmFsKjYIAhABQgF3ahEKCGxvY2F0aW9uEgV3LmJpbmoLCgZvZmZzZXQSATBqCwoGbGVuZ3RoEgE4' +
    'cAFaDwoBeBIKCggIARIECgIIAmIPCgF5EgoKCAgBEgQKAggCQgQKABAR',
)
const sequenceModel = bytes(
  'CAg6TgocCgF4CgF4EgFzIhFTZXF1ZW5jZUNvbnN0cnVjdBIIc2VxdWVuY2VaDwoBeBIKCggIARIECgIIAmITCgFzEg4iDAoKCggIARIECgIIAkIE' +
    'CgAQEQ==',
)

test.each([wasmRuntime, webgpuRuntime])('an option that is not known is refused', (create) => {
  const refusal = expect.objectContaining({ code: 'TP_OPTION', message: expect.stringContaining('option treads') })
  expect(() => create({ treads: 2 } as object)).toThrow(refusal)
})

describe('a model by name', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tp-web-'))
    await writeFile(join(folder, 'sum.onnx'), sumModel)
  })
  afterAll(() => rm(folder, { recursive: true }))

  test('loads a model from a path or a file URL', async () => {
    const path = join(folder, 'sum.onnx')
    for (const model of [path, pathToFileURL(path).href]) {
      await using session = await load(model, { threads: 1 })
      expect(session.inputs.map(({ name }) => name)).toEqual(['a', 'b'])
    }
    await expect(load(join(folder, 'none.onnx'))).rejects.toMatchObject({ code: 'TP_FILE_NOT_FOUND' })
  })

  test('loads a model from a server, and refuses one that is missing or a page', async () => {
    const server = createServer((request, response) => {
      if (request.url === '/sum.onnx') response.end(sumModel)
      else if (request.url === '/page.onnx')
        response.setHeader('content-type', 'text/html; charset=utf-8').end('<html>')
      else if (request.url !== '/slow.onnx') response.writeHead(404).end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    try {
      await using session = await load(`${base}/sum.onnx`, { threads: 1 })
      expect(session.outputs.map(({ name }) => name)).toEqual(['y'])
      await expect(load(`${base}/none.onnx?v=1`)).rejects.toMatchObject({
        code: 'TP_FILE_NOT_FOUND',
        message: expect.stringMatching(/^\[runtime-web: none\.onnx\] .*404/),
      })
      await expect(load(`${base}/page.onnx`)).rejects.toMatchObject({
        code: 'TP_FILE_NOT_FOUND',
        message: expect.stringContaining('web page'),
      })
      const controller = new AbortController()
      const loading = load(`${base}/slow.onnx`, { signal: controller.signal })
      setTimeout(() => controller.abort(), 20)
      await expect(loading).rejects.toMatchObject({ code: 'TP_ABORTED' })
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })
})

describe.each([
  { worker: false, threads: 1 },
  { worker: true, threads: 1 },
])('refuses, %j', (options) => {
  test('a model whose weights are in another file', async () => {
    await expect(load(externalModel, options)).rejects.toMatchObject({ code: 'TP_EXTERNAL_DATA' })
  })

  test('a model with a sequence for output', async () => {
    await expect(load(sequenceModel, options)).rejects.toMatchObject({
      code: 'TP_MODEL_LOAD',
      message: expect.stringContaining('"s" is a sequence'),
    })
  })

  test('options that cannot be had', async () => {
    for (const threads of [0, 1.5, -1, Number.NaN]) {
      await expect(load(sumModel, { ...options, threads })).rejects.toMatchObject({ code: 'TP_OPTION' })
    }
  })
})

test('keeps the threads of the first model in a page, and gives a worker its own', async () => {
  await using first = await load(sumModel, { threads: 1 })
  await expect(load(sumModel, { threads: 2 })).rejects.toMatchObject({
    code: 'TP_OPTION',
    message: expect.stringContaining('worker: true'),
  })
  await using second = await load(sumModel, { threads: 2, worker: true })
  expect(second.inputs).toEqual(first.inputs)
})

test('does not block the event loop while a worker runs or loads', async () => {
  let ticks = 0
  const ticking = setInterval(() => {
    ticks += 1
  }, 1)
  await using session = await load(slowModel, { worker: true, threads: 1 })
  ticks = 0
  await session.run({ x: { type: 'float32', dims: [512, 512], data: new Float32Array(512 * 512) } })
  clearInterval(ticking)
  // 6 GFLOP on one thread; a blocked loop would have none.
  expect(ticks).toBeGreaterThan(3)
})

test('shows the requested and the actual threads in diagnose', async () => {
  const runtime = wasmRuntime()
  await using session = await runtime.load(sumModel, { threads: 1, worker: true })
  expect(session.inputs).toHaveLength(2)
  const { runtime: name, version, notes } = await runtime.diagnose()
  expect([name, version]).toEqual(['onnxruntime-web wasm', '1.30.0'])
  expect(notes).toContain('threads of the last model: 1 asked for, 1 got, as asked')
  expect(notes.join('\n')).toMatch(/^SIMD: yes/m)
  expect(notes.join('\n')).toMatch(/^WebGPU: none/m)
  expect((await wasmRuntime().diagnose()).notes.join('\n')).not.toContain('last model')
})

test('refuses WebGPU with a reason where there is none', async () => {
  await expect(webgpuRuntime().load(sumModel)).rejects.toMatchObject({ code: 'TP_DEVICE' })
})

function bytes(base64: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64, 'base64'))
}
