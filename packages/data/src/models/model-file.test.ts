import { existsSync, writeFileSync } from 'node:fs'
import { nodeRuntime } from '@tp/runtime-node'
import { beforeEach, expect, test } from 'vitest'
import { testFolder } from '../../test/folder.ts'
import { loadFile, loadSession } from '../files/load-session.ts'
import { commitModel } from '../files/stage-model.ts'
import { readModel } from './model-file.ts'

// y = x + w, where w (2 floats) is external data. Written by Python's onnx.helper.
const model = Buffer.from(
  'CAg6dAoOCgF4CgF3EgF5IgNBZGQSCGV4dGVybmFsKjYIAhABQgF3ahEKCGxvY2F0aW9uEgV3LmJpbmoLCgZvZmZzZXQSATBqCwoGbGVuZ3RoEgE4' +
    'cAFaDwoBeBIKCggIARIECgIIAmIPCgF5EgoKCAgBEgQKAggCQgQKABAR',
  'base64',
)
const { at } = testFolder()
const { signal } = new AbortController()
const changed = { code: 'TP_CHANGED', message: expect.stringContaining('w.bin was written to since it was read') }

beforeEach(() => {
  writeFileSync(at('model.onnx'), model)
  writeFileSync(at('w.bin'), Float32Array.of(10, 20))
})

test('loads no file whose weights are others than when it was read', async () => {
  const file = await readModel(at('model.onnx'))
  await using session = await loadFile(nodeRuntime(), file)
  expect(session.inputs.map(({ name }) => name)).toEqual(['x'])
  writeFileSync(at('w.bin'), Float32Array.of(0, 0), { flag: 'r+' })
  await expect(loadFile(nodeRuntime(), file)).rejects.toMatchObject(changed)
  await expect(loadSession(nodeRuntime(), file.model, file, { signal })).rejects.toMatchObject(changed)
})

test('writes no model whose weights change before it gets its name', async () => {
  const file = await readModel(at('model.onnx'))
  const verify = async (): Promise<void> => writeFileSync(at('w.bin'), Float32Array.of(0, 0), { flag: 'r+' })
  await expect(commitModel(file.model, file, at('out.onnx'), { signal, verify })).rejects.toMatchObject(changed)
  expect(existsSync(at('out.onnx'))).toBe(false)
})
