import { createModel, createNode, Graph } from '@tp/onnx'
import { expect, test } from 'vitest'
import { largestValue } from './largest-value.ts'

const BYTES = 2 ** 31

test('the largest value is known before a runtime fills it, whatever the model is given', () => {
  const graph = new Graph(createModel(17))
  graph.addInput('x', 'float32', ['batch', 4])
  graph.addInitializer('sizes', { type: 'int64', dims: [1], data: BigInt64Array.of(BigInt(BYTES / 4)) })
  graph.insert(
    [
      { type: 'ConstantOfShape', inputs: ['sizes'], outputs: ['zeros'], name: 'fill' },
      { type: 'Relu', inputs: ['x'], outputs: ['y'] },
    ].map(createNode),
  )
  expect(largestValue(graph.model)).toEqual({ node: 'fill (ConstantOfShape)', bytes: BYTES })
})

test('a value that grows with the inputs is as large as for one example', () => {
  const graph = new Graph(createModel(17))
  graph.addInput('x', 'float32', ['batch', 'tokens', 4])
  graph.insert([createNode({ type: 'Relu', inputs: ['x'], outputs: ['y'], name: 'relu' })])
  expect(largestValue(graph.model)).toEqual({ node: 'relu (Relu)', bytes: 16 })
})
