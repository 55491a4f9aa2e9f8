import { quantize, transform } from '@tp/compiler'
import { decodeModel, encodeModel } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { expect, test } from 'vitest'
import { serve } from '../src/index.ts'
import { modelFolder } from './folders.ts'
import { mailModel } from './models.ts'

const folder = modelFolder()

test('notes that answers of a served file depend on the batch, unless texts run one by one', async () => {
  const byBatch = transform(decodeModel(mailModel()), quantize({ activations: 'tensor' }))
  const path = folder.add('by-batch', encodeModel(byBatch.model))
  const shared = { runtime: nodeRuntime(), threads: 1 }
  const models = [
    { ...shared, path },
    { ...shared, path, name: 'alone', batchTokens: 1 },
    { ...shared, path: folder.add('by-token', mailModel({ eightBits: true })) },
  ]
  await using server = await serve({ models, port: 0, drainMs: 0 })
  expect(server.models.map(({ current }) => current.notes)).toEqual([
    [expect.stringContaining('answers depend on the batch')],
    [],
    [],
  ])
})
