import { readFileSync, writeFileSync } from 'node:fs'
import { modelPath } from '@tp/models'
import { decodeModel, encodeModel, type TensorProto } from '@tp/onnx'
import { expect, test } from 'vitest'
import { modelFolder } from '../../test/small-models.ts'
import { readModelFiles } from './model-files.ts'
import { openBulkModel } from './open-model.ts'

const EXTERNAL = 1
const plain = { runtime: 'node', plan: null, guard: null } as const

/** The mail model with its largest weight in a file next to it. */
function withDataFile(at: (...parts: string[]) => string): void {
  const model = decodeModel(readFileSync(modelPath('mail')))
  const weights = (model.proto.graph?.initializer ?? []) as TensorProto[]
  const [largest] = weights.toSorted((a, b) => b.rawData.length - a.rawData.length) as [TensorProto]
  writeFileSync(at('model', 'w.bin'), largest.rawData)
  largest.rawData = new Uint8Array()
  largest.dataLocation = EXTERNAL
  largest.externalData = [{ key: 'location', value: 'w.bin' }] as unknown as TensorProto['externalData']
  writeFileSync(at('model', 'model.onnx'), encodeModel(model))
}

test.each(['w.bin', 'config.json'])('opens no model whose %s is another than the one that was hashed', async (name) => {
  const { at } = modelFolder()
  withDataFile(at)
  const files = await readModelFiles({ model: at('model') })
  await using _model = await openBulkModel(files, plain)
  const changed = readFileSync(at('model', name))
  changed[changed.length - 2] = 0x20
  writeFileSync(at('model', name), changed)
  await expect(openBulkModel(files, plain)).rejects.toMatchObject({ code: 'TP_CHANGED' })
  expect((await readModelFiles({ model: at('model') })).hash).not.toBe(files.hash)
})
