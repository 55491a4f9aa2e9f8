import { mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Session } from '@tp/core/runtime'
import { createModel, createNode, encodeModel, Graph } from '@tp/onnx'
// The built package, not the sources: a worker of Node 20 cannot be started from TypeScript.
import { nodeRuntime } from '@tp/runtime-node'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'

// y = x + w, where w (2 floats) is external data. Written by Python's onnx.helper.
const model = Buffer.from(
  'CAg6dAoOCgF4CgF3EgF5IgNBZGQSCGV4dGVybmFsKjYIAhABQgF3ahEKCGxvY2F0aW9uEgV3LmJpbmoLCgZvZmZzZXQSATBqCwoGbGVuZ3RoEgE4' +
    'cAFaDwoBeBIKCggIARIECgIIAmIPCgF5EgoKCAgBEgQKAggCQgQKABAR',
  'base64',
)
const folder = mkdtempSync(join(tmpdir(), 'tp-data-files-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string): string => join(folder, name)
const { load } = nodeRuntime()

beforeEach(() => {
  rmSync(at('w.bin'), { force: true })
  writeFileSync(at('model.onnx'), model)
  writeFileSync(at('w.bin'), Float32Array.of(10, 20))
})

async function answer(session: Session): Promise<unknown> {
  const { y } = await session.run({ x: { type: 'float32', dims: [2], data: Float32Array.of(1, 2) } })
  return Array.from(y?.data as Float32Array)
}

test('refuses a model that would end the process', async () => {
  const ending = createModel(17)
  const graph = new Graph(ending)
  graph.addInput('data', 'float32', [2, 3, 4])
  graph.addInput('indices', 'int64', [2, 1, 1])
  const inputs = ['data', 'indices']
  graph.insert([createNode({ type: 'GatherND', inputs, outputs: ['y'], attributes: { batch_dims: -2 } })])
  graph.addOutput('y', 'float32', [undefined, undefined, undefined])
  await expect(load(encodeModel(ending))).rejects.toMatchObject({ code: 'TP_ATTRIBUTE' })
})

describe.each([{ worker: false }, { worker: true }])('%j', (options) => {
  test('answers the same after a data file is rewritten in place, and after it is truncated', async () => {
    await using session = await load(at('model.onnx'), options)
    expect(await answer(session)).toEqual([11, 22])
    writeFileSync(at('w.bin'), Float32Array.of(0, 0), { flag: 'r+' })
    expect(await answer(session)).toEqual([11, 22])
    truncateSync(at('w.bin'))
    expect(await answer(session)).toEqual([11, 22])
    if (process.platform === 'linux') expect(readFileSync('/proc/self/maps', 'utf8')).not.toContain(at('w.bin'))
  })

  test('refuses a data file outside the folder of the model', async () => {
    rmSync(at('w.bin'))
    const other = mkdtempSync(join(folder, 'other-'))
    writeFileSync(join(other, 'w.bin'), Float32Array.of(10, 20))
    symlinkSync(join(other, 'w.bin'), at('w.bin'))
    await expect(load(at('model.onnx'), options)).resolves.toBeDefined()
    rmSync(at('model.onnx'))
    const inner = mkdtempSync(join(folder, 'inner-'))
    writeFileSync(join(inner, 'model.onnx'), model)
    symlinkSync(at('w.bin'), join(inner, 'w.bin'))
    await expect(load(join(inner, 'model.onnx'), options)).rejects.toMatchObject({ code: 'TP_EXTERNAL_PATH' })
  })
})
