import { readFileSync } from 'node:fs'
import { modelPath } from '@tp/models'
import { decodeModel } from '@tp/onnx'
import { expect, test } from 'vitest'
import { inputRoles } from '../inputs/input-shapes.ts'
import { flopsAtUsualLengths } from './flops.ts'

test('counts FLOPs at lengths that the model takes', () => {
  const model = decodeModel(readFileSync(modelPath('mail')))
  const lengths = (most?: number) => flopsAtUsualLengths(model, inputRoles(model), most).map(({ tokens }) => tokens)
  expect(lengths()).toEqual([32, 128, 512])
  expect(lengths(128)).toEqual([32, 128])
  expect(lengths(20)).toEqual([20])
})
