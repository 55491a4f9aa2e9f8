import { readFileSync } from 'node:fs'
import { modelPath } from '@tp/models'
import { createModel, decodeModel } from '@tp/onnx'
import { expect, test } from 'vitest'
import { inputRoles } from '../inputs/input-shapes.ts'
import { fewerFlops, flopsAtUsualLengths } from './flops.ts'

test('counts FLOPs at lengths that the model takes', () => {
  const model = decodeModel(readFileSync(modelPath('mail')))
  const lengths = (most?: number) => flopsAtUsualLengths(model, inputRoles(model), most).map(({ tokens }) => tokens)
  expect(lengths()).toEqual([32, 128, 512])
  expect(lengths(128)).toEqual([32, 128])
  expect(lengths(20)).toEqual([20])
})

test('gives no factor where no FLOPs are counted of one of the models', () => {
  const [dense, none] = [decodeModel(readFileSync(modelPath('mail'))), createModel(17)]
  const [roles, inputs] = [inputRoles(dense), { lengths: [8], targets: [0] }]
  const factors = [
    [dense, dense],
    [dense, none],
    [none, dense],
    [none, none],
  ].map(([before, after]) =>
    fewerFlops({ dense: before as typeof dense, pruned: after as typeof dense, roles }, inputs),
  )
  expect(factors).toEqual([1, undefined, undefined, undefined])
})
