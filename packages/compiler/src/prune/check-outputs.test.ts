import { createModel, createNode, Graph } from '@tp/onnx'
import { expect, test } from 'vitest'
import { Program } from '../program/program.ts'
import { requireKnownShapes, unknownResults } from './check-outputs.ts'

/** A sum of 3 rows and `rows` rows. */
function sumOf(rows: number): Program {
  const model = createModel(17)
  const graph = new Graph(model)
  graph.addInput('kept', 'float32', ['batch', 3])
  graph.addInput('whole', 'float32', ['batch', rows])
  graph.insert([createNode({ type: 'Add', name: 'sum', inputs: ['kept', 'whole'], outputs: ['output'] })])
  graph.addOutput('output', 'float32', ['batch', 3])
  return new Program(model)
}

test('refuses sizes that do not fit together any more, by the node', () => {
  expect(() => requireKnownShapes(sumOf(4), unknownResults(sumOf(3)))).toThrow(
    expect.objectContaining({ code: 'TP_SHAPE', message: expect.stringMatching(/would not run.*3.*4/) }),
  )
})

test('takes what was unknown before for unknown', () => {
  const program = sumOf(4)
  requireKnownShapes(program, unknownResults(program))
})
