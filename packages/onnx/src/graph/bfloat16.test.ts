import { TpError } from '@tp/core'
import { expect, test } from 'vitest'
import { createModel, type Model } from '../file/model.ts'
import { DataType } from '../protobuf/schema.ts'
import { refusedLoad } from './bfloat16.ts'
import { Graph } from './graph.ts'
import { createNode } from './node.ts'

const refusal = new TpError('TP_MODEL_LOAD', 'runtime-node: model.onnx', 'no implementation for Add')

/** Casts to an element type. */
function casting(to: number): Model {
  const model = createModel(17)
  new Graph(model).insert([createNode({ type: 'Cast', inputs: ['x'], outputs: ['y'], attributes: { to } })])
  return model
}

test('says of a refused model that it is in bfloat16, by its weights or its casts', () => {
  const weights = createModel(17)
  new Graph(weights).addInitializer('w', { type: 'float16', dims: [1], data: Uint16Array.of(0) })
  for (const tensor of weights.proto.graph?.initializer ?? []) tensor.dataType = DataType.BFLOAT16
  for (const model of [weights, casting(DataType.BFLOAT16)])
    expect(refusedLoad(refusal, model)).toMatchObject({
      code: 'TP_BFLOAT16',
      where: refusal.where,
      message: expect.stringMatching(/bfloat16.*export the model in float32 or float16/),
      cause: refusal,
    })
})

test('leaves every other error and every other model alone', () => {
  const missing = new TpError('TP_FILE_NOT_FOUND', 'test', 'no file')
  expect(refusedLoad(missing, casting(DataType.BFLOAT16))).toBe(missing)
  expect(refusedLoad(refusal, casting(DataType.FLOAT16))).toBe(refusal)
})
