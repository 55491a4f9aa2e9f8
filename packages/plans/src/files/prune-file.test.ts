import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Plan, readProvenance, transform, transformsOf } from '@tp/compiler'
import { readModel } from '@tp/data'
import { methods } from '@tp/method-attention'
import { modelPath } from '@tp/models'
import { decodeModel, encodeModel } from '@tp/onnx'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inspectEncoders, planForFile } from './file-plan.ts'
import { pruneFile, pruneModelFile, verifyPrunedFile } from './prune-file.ts'

const small = fileURLToPath(
  new URL('../../../../tools/exported-encoders/fixtures/distilbert-cls-eager-ts14/model.onnx', import.meta.url),
)
const plan: Plan = { format: 1, method: 'received-attention', layers: [0, 1], keep: 0.5 }
let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tp-plans-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('writes what the transforms of the plan make, and verifies it before', async () => {
  const out = join(folder, 'pruned.onnx')
  const { bytes, verification, file } = await pruneFile(small, out, { plan, methods })
  const dense = decodeModel(readFileSync(small))
  const { model } = transform(dense, ...transformsOf(plan, methods, { source: file.hash() }))
  expect(readFileSync(out).equals(encodeModel(model))).toBe(true)
  expect(bytes).toBe(encodeModel(model).length)
  expect(verification).toMatchObject({
    difference: expect.any(Number),
    invariance: { 'padded right': expect.any(Number) },
  })
})

test('prunes without the layers that the plan leaves out, and in 8 bits', async () => {
  const whole = await readModel(small)
  const { file, model, quantized } = await pruneModelFile(whole, {
    plan: { ...plan, layers: [0], leaveOut: [2], quantize: {} },
    methods,
  })
  expect(inspectEncoders(whole.model)[0].layers.length - inspectEncoders(file.model)[0].layers.length).toBe(1)
  expect(readProvenance(model)).toHaveLength(1)
  expect(quantized?.length).toBeGreaterThan(0)
})

test('finds the keep ratio for a share of the FLOPs, and refuses more tokens than the model has', async () => {
  const whole = await readModel(small)
  const { keep: _, ...open } = plan
  const { options } = await pruneModelFile(whole, { plan: open, methods, flops: { share: 0.8, tokens: 64 } })
  expect(options.method.name).toBe(plan.method)
  const digits = await readModel(modelPath('digits-vit'))
  const tokens = planForFile(digits, { plan: { ...open, tokens: 300 }, methods }, inspectEncoders(digits.model))
  await expect(tokens).rejects.toMatchObject({
    code: 'TP_SCHEDULE',
    message: expect.stringContaining('always has 197'),
  })
})

test('writes nothing where a plan does not fit', async () => {
  const before = readdirSync(folder)
  const beyond = { plan: { ...plan, layers: [7] }, methods }
  await expect(pruneFile(small, join(folder, 'no.onnx'), beyond)).rejects.toMatchObject({ code: 'TP_SCHEDULE' })
  expect(readdirSync(folder)).toEqual(before)
})

test('verifies a packed file by its functions where there are no kernels', async () => {
  const packed = { plan: { ...plan, pack: true as const }, methods }
  const { verification } = await pruneFile(small, join(folder, 'packed.onnx'), packed)
  expect(verification).toMatchObject({ arrangements: expect.arrayContaining(['in a batch']) })
})

test('says that a file has changed where verifying fails for that', async () => {
  const path = join(folder, 'changing.onnx')
  copyFileSync(small, path)
  const file = await readModel(path)
  const pruned = await pruneModelFile(file, { plan, methods })
  copyFileSync(join(folder, 'pruned.onnx'), path)
  const how = { whole: file, path: join(folder, 'pruned.onnx'), signal: new AbortController().signal }
  await expect(verifyPrunedFile(pruned, how)).rejects.toMatchObject({ code: 'TP_CHANGED' })
})
