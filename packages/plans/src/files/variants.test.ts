import { fileURLToPath } from 'node:url'
import { baselines } from '@tp/core'
import { readModel } from '@tp/data'
import { methods as attention } from '@tp/method-attention'
import { Graph } from '@tp/onnx'
import { expect, test } from 'vitest'
import type { PrunedModelFile } from './prune-file.ts'
import { pruneVariants } from './variants.ts'

const small = fileURLToPath(
  new URL('../../../../tools/exported-encoders/fixtures/distilbert-cls-eager-ts14/model.onnx', import.meta.url),
)
const methods = [...baselines, ...attention]
const entries = methods.filter(({ name }) => ['random', 'received-attention'].includes(name))

test('prunes a model by every method at every amount, and without layers', async () => {
  const file = await readModel(small)
  const amounts = [{ fields: { keep: 0.7 } }, { fields: { keep: 0.5, layers: [0] } }]
  const variants = await pruneVariants(file, { methods, entries, amounts, leaveOut: [[1]] })
  const rows = variants.map(({ method, leaveOut, amount, models }) => [method, leaveOut, amount?.fields, models.length])
  expect(rows).toEqual([
    ['none', undefined, undefined, 1],
    ['none', [1], undefined, 1],
    ['random', undefined, amounts[0]?.fields, 5],
    ['random', undefined, amounts[1]?.fields, 5],
    ['received-attention', undefined, amounts[0]?.fields, 1],
    ['received-attention', undefined, amounts[1]?.fields, 1],
  ])
  const last = variants.at(-1)
  expect(last?.plain.cuts.map(({ layer }) => layer)).toEqual([0])
  const traced = await last?.models[0]?.({ trace: true })
  const { outputs } = new Graph((traced as PrunedModelFile).model)
  expect(outputs.map(({ name }) => name)).toContain('tp.trace.0.indices')
})

test('gives a parameter to the methods that have it', async () => {
  const file = await readModel(small)
  const settings = { params: { seed: '3' } }
  const variants = await pruneVariants(file, { methods, entries, amounts: [{ fields: { keep: 0.5 } }], settings })
  expect(variants.map(({ models }) => models.length)).toEqual([1, 1, 1])
})
