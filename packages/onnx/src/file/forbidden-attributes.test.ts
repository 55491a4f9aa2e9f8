import { expect, test } from 'vitest'
import { Graph } from '../graph/graph.ts'
import { createNode } from '../graph/node.ts'
import { createModel, decodeModel, encodeModel } from './model.ts'

function gather(batchDims: number): Uint8Array {
  const model = createModel(17)
  const graph = new Graph(model)
  graph.addInput('data', 'float32', [2, 3, 4])
  graph.addInput('indices', 'int64', [2, 1, 1])
  const attributes = { batch_dims: batchDims }
  graph.insert([createNode({ type: 'GatherND', inputs: ['data', 'indices'], outputs: ['y'], attributes })])
  graph.addOutput('y', 'float32', [undefined, undefined, undefined])
  return encodeModel(model)
}

test.each([-1, -2, -(2 ** 31)])('refuses a GatherND whose batch_dims is %d, which ends a runtime', (batchDims) => {
  expect(() => decodeModel(gather(batchDims))).toThrow(
    expect.objectContaining({ code: 'TP_ATTRIBUTE', message: expect.stringContaining(`has batch_dims ${batchDims}`) }),
  )
})

test('opens one whose batch_dims is allowed', () => {
  expect(decodeModel(gather(1)).proto.graph?.node.length).toBe(1)
})
