import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runtimeModels, testRuntime } from '@tp/core/testing'
// The built package, not the sources: a worker of Node 20 cannot be started from TypeScript.
import { nodeRuntime } from '@tp/runtime-node'
import { Tensor } from 'onnxruntime-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const kit = { slowSize: 512 }
testRuntime(nodeRuntime(), {}, kit)
testRuntime(nodeRuntime(), { worker: true, threads: 1 }, kit)

const { load } = nodeRuntime()
const { sumModel } = runtimeModels

// y = x + w, where w (2 floats) is external data; a SequenceConstruct. Written by Python's onnx.helper.
const externalModel = bytes(
  'CAg6dAoOCgF4CgF3EgF5IgNBZGQSCGV4dGVybmFsKjYIAhABQgF3ahEKCGxvY2F0aW9uEgV3LmJpbmoLCgZvZmZzZXQSATBqCwoGbGVuZ3RoEgE4' +
    'cAFaDwoBeBIKCggIARIECgIIAmIPCgF5EgoKCAgBEgQKAggCQgQKABAR',
)
const escapingModel = bytes(
  'CAg6dwoOCgF4CgF3EgF5IgNBZGQSCGV4dGVybmFsKjkIAhABQgF3ahQKCGxvY2F0aW9uEgguLi93LmJpbmoLCgZvZmZzZXQSATBqCwoGbGVuZ3Ro' +
    'EgE4cAFaDwoBeBIKCggIARIECgIIAmIPCgF5EgoKCAgBEgQKAggCQgQKABAR',
)
const sequenceModel = bytes(
  'CAg6TgocCgF4CgF4EgFzIhFTZXF1ZW5jZUNvbnN0cnVjdBIIc2VxdWVuY2VaDwoBeBIKCggIARIECgIIAmITCgFzEg4iDAoKCggIARIECgIIAkIE' +
    'CgAQEQ==',
)

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tp-runtime-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function write(name: string, content: Uint8Array): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

test('refuses options that it does not know', async () => {
  const refusal = (message: string): unknown =>
    expect.objectContaining({ code: 'TP_OPTION', message: expect.stringContaining(message) })
  const create = nodeRuntime as (options: object) => unknown
  expect(() => create({ treads: 2 })).toThrow(refusal('there is no option treads; none are taken here'))
  const misspelled = load(sumModel, { treads: 2 } as object)
  await expect(misspelled).rejects.toThrow(refusal('no option treads; it takes threads, worker, signal'))
})

describe.each([{ worker: false }, { worker: true }])('files, %j', (options) => {
  test('loads a model from its path', async () => {
    await using session = await load(await write('sum.onnx', sumModel), options)
    expect(session.inputs.map(({ name }) => name)).toEqual(['a', 'b'])
  })

  test('refuses a path without a file, and a folder', async () => {
    await expect(load(join(folder, 'none.onnx'), options)).rejects.toMatchObject({ code: 'TP_FILE_NOT_FOUND' })
    await expect(load(folder, options)).rejects.toMatchObject({
      code: 'TP_MODEL_LOAD',
      message: expect.stringContaining('is not a file'),
    })
  })

  test('refuses a file that is cut short', async () => {
    const path = await write('short.onnx', sumModel.subarray(0, 50))
    await expect(load(path, options)).rejects.toMatchObject({
      code: 'TP_MODEL_LOAD',
      message: '[runtime-node: short.onnx] this is not an ONNX model, or it is cut short',
    })
  })

  test('reads external data next to the model', async () => {
    const path = await write('external.onnx', externalModel)
    await rm(join(folder, 'w.bin'), { force: true })
    await expect(load(path, options)).rejects.toMatchObject({ code: 'TP_EXTERNAL_DATA' })
    await write('w.bin', new Uint8Array(4))
    await expect(load(path, options)).rejects.toMatchObject({ code: 'TP_EXTERNAL_DATA' })
    await write('w.bin', new Uint8Array(Float32Array.of(10, 20).buffer))
    await using session = await load(path, options)
    const { y } = await session.run({ x: { type: 'float32', dims: [2], data: Float32Array.of(1, 2) } })
    expect(y?.data).toEqual(Float32Array.of(11, 22))
  })

  test('cannot find external data from bytes or outside the folder', async () => {
    await expect(load(externalModel, options)).rejects.toMatchObject({
      code: 'TP_EXTERNAL_DATA',
      message: expect.stringContaining('loaded by its path'),
    })
    const path = await write('escaping.onnx', escapingModel)
    await expect(load(path, options)).rejects.toMatchObject({ code: 'TP_EXTERNAL_PATH' })
  })

  test('refuses a model with a sequence as an output', async () => {
    await expect(load(sequenceModel, options)).rejects.toMatchObject({
      code: 'TP_MODEL_LOAD',
      message: expect.stringContaining('"s" is a sequence'),
    })
  })
})

describe.each([{ worker: false }, { worker: true }])('arrays, %j', (options) => {
  test('takes tensors of onnxruntime as inputs', async () => {
    await using session = await load(sumModel, options)
    const a = new Tensor('float32', Float32Array.of(1, 2), [1, 1, 2])
    const { y } = await session.run({ a, b: a })
    expect(y?.data).toEqual(Float32Array.of(2, 4))
  })

  test('copies shared memory and pooled Buffers', async () => {
    await using sum = await load(sumModel, options)
    const shared = new Float32Array(new SharedArrayBuffer(8))
    shared.set([3, 4])
    const a = { type: 'float32', dims: [1, 1, 2], data: shared }
    expect((await sum.run({ a, b: a })).y?.data).toEqual(Float32Array.of(6, 8))

    await using twice = await load(runtimeModels.twiceModel, options)
    const none = Object.fromEntries(
      twice.inputs.map(({ name, type }) => [name, { type, dims: [0], data: new arrays[type as 'int8'](0) }]),
    )
    const data = Buffer.from('ab')
    const { uint8_twice } = await twice.run({ ...none, uint8: { type: 'uint8', dims: [2], data } })
    expect([...(uint8_twice?.data ?? [])]).toEqual([97, 98, 97, 98])
    expect(data.toString()).toBe('ab')
  })
})

test.each([0, 1.5, -1, Number.NaN])('refuses %d threads', async (threads) => {
  await expect(load(sumModel, { threads })).rejects.toMatchObject({ code: 'TP_OPTION' })
})

test('names the version of onnxruntime-node and the processor in diagnose', async () => {
  const diagnosis = await nodeRuntime().diagnose()
  expect(diagnosis).toMatchObject({ runtime: 'onnxruntime-node', version: '1.30.0' })
  expect(diagnosis.notes.join('\n')).toContain(process.versions.node)
})

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  string: Array,
} as unknown as { readonly int8: Int8ArrayConstructor }

function bytes(base64: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64, 'base64'))
}
