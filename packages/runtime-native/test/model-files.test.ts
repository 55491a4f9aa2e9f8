import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runtimeModels } from '@tp/core/testing'
import { nativeRuntime } from '@tp/runtime-native'
import { nodeRuntime } from '@tp/runtime-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeNative } from './native.ts'
import { attentionModel } from './operator-model.mjs'

const { load } = nativeRuntime()
const { sumModel } = runtimeModels

// y = x + w, where w (2 floats) is external data; a SequenceConstruct. Written by Python's onnx.helper.
const externalModel = Buffer.from(
  'CAg6dAoOCgF4CgF3EgF5IgNBZGQSCGV4dGVybmFsKjYIAhABQgF3ahEKCGxvY2F0aW9uEgV3LmJpbmoLCgZvZmZzZXQSATBqCwoGbGVuZ3RoEgE4' +
    'cAFaDwoBeBIKCggIARIECgIIAmIPCgF5EgoKCAgBEgQKAggCQgQKABAR',
  'base64',
)
const sequenceModel = Buffer.from(
  'CAg6TgocCgF4CgF4EgFzIhFTZXF1ZW5jZUNvbnN0cnVjdBIIc2VxdWVuY2VaDwoBeBIKCggIARIECgIIAmITCgFzEg4iDAoKCggIARIECgIIAkIE' +
    'CgAQEQ==',
  'base64',
)

let folder: string
beforeAll(async () => {
  // Names of files are bytes to onnxruntime.
  folder = await mkdtemp(join(tmpdir(), 'tp-žluť-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function write(name: string, content: Uint8Array): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

describeNative('files', () => {
  test('loads a model from its path', async () => {
    await using session = await load(await write('sum.onnx', sumModel))
    expect(session.inputs.map(({ name }) => name)).toEqual(['a', 'b'])
  })

  test('refuses a path without a file, and a folder', async () => {
    await expect(load(join(folder, 'none.onnx'))).rejects.toMatchObject({ code: 'TP_FILE_NOT_FOUND' })
    await expect(load(folder)).rejects.toMatchObject({
      code: 'TP_MODEL_LOAD',
      message: expect.stringContaining('is not a file'),
    })
  })

  test('refuses a file that is cut short', async () => {
    const path = await write('short.onnx', sumModel.subarray(0, 50))
    await expect(load(path)).rejects.toMatchObject({
      code: 'TP_MODEL_LOAD',
      message: '[runtime-native: short.onnx] this is not an ONNX model, or it is cut short',
    })
  })

  test('reads external data from the folder of the model, but cannot find them from bytes', async () => {
    const path = await write('external.onnx', externalModel)
    await expect(load(path)).rejects.toMatchObject({ code: 'TP_EXTERNAL_DATA' })
    await write('w.bin', new Uint8Array(Float32Array.of(10, 20).buffer))
    await expect(load(externalModel)).rejects.toMatchObject({ code: 'TP_EXTERNAL_DATA' })
    await using session = await load(path)
    const { y } = await session.run({ x: { type: 'float32', dims: [2], data: Float32Array.of(1, 2) } })
    expect(y?.data).toEqual(Float32Array.of(11, 22))
    // Mapped, the file would end the process by SIGBUS.
    await write('w.bin', new Uint8Array())
    const { y: again } = await session.run({ x: { type: 'float32', dims: [2], data: Float32Array.of(1, 2) } })
    expect(again?.data).toEqual(Float32Array.of(11, 22))
    if (process.platform === 'linux') expect(await readFile('/proc/self/maps', 'utf8')).not.toContain('w.bin')
  })

  test('refuses a model with a sequence as an output', async () => {
    await expect(load(sequenceModel)).rejects.toMatchObject({
      code: 'TP_MODEL_LOAD',
      message: expect.stringContaining('"s" is a sequence'),
    })
  })

  test('names @tp/runtime-native for a packed model without functions in @tp/runtime-node', () =>
    expect(nodeRuntime().load(attentionModel())).rejects.toMatchObject({
      code: 'TP_MODEL_LOAD',
      message: expect.stringContaining('@tp/runtime-native'),
    }))
})

const noModels: readonly [string, unknown][] = [
  ['null', null],
  ['nothing', undefined],
  ['a number', 5],
  ['bytes without a view', new ArrayBuffer(8)],
  ['another view', new DataView(new ArrayBuffer(8))],
  ['numbers of two bytes', new Uint16Array(8)],
  ['a list', [8, 8]],
  ['what only says that it has bytes', { byteLength: 8 }],
]

describe.each([nativeRuntime(), nodeRuntime()])('$name', ({ load }) => {
  test.each(noModels)('refuses %s as a model', async (_name, model) => {
    await expect(load(model as never)).rejects.toMatchObject({
      name: 'TpError',
      code: 'TP_MODEL_LOAD',
      message: expect.stringContaining('give its path, or its bytes as a Uint8Array'),
    })
  })

  test.each([0, -1, 1.5, Number.NaN, 1025, 3e9, 1e300])('refuses %d threads', async (threads) => {
    await expect(load(sumModel, { threads })).rejects.toMatchObject({ name: 'TpError', code: 'TP_OPTION' })
  })
})

describeNative('bytes', () => {
  test('may be shared between threads', async () => {
    const shared = new Uint8Array(new SharedArrayBuffer(sumModel.length))
    shared.set(sumModel)
    await using session = await load(shared)
    expect(session.outputs.map(({ name }) => name)).toEqual(['y'])
  })

  test('refuses models whose memory has moved to another thread', async () => {
    const bytes = sumModel.slice()
    structuredClone(bytes, { transfer: [bytes.buffer] })
    await expect(load(bytes)).rejects.toMatchObject({ code: 'TP_MODEL_LOAD' })
  })
})
