import { readFileSync } from 'node:fs'
import { cloneModel, createNode, decodeModel, Graph, type Model } from '@tp/onnx'
import { type DecoderName, decoderPath } from 'exported-decoders'

/** Adds a node of one result, which it names. */
type AddNode = (type: string, inputs: string[], attributes?: Record<string, number>) => string

/** An exported decoder whose graph is changed. */
export function editedDecoder(name: DecoderName, edit: (graph: Graph, add: AddNode) => void): Model {
  const graph = new Graph(cloneModel(decodeModel(readFileSync(decoderPath(name)))))
  edit(graph, (type, inputs, attributes = {}) => {
    const output = graph.uniqueName(`edited/${type}`)
    graph.insert([createNode({ type, name: output, inputs, outputs: [output], attributes })])
    return output
  })
  graph.sortTopologically()
  return graph.model
}

/** Adds a constant list of integers, and returns its name. */
export function integers(graph: Graph, ...values: number[]): string {
  const name = graph.uniqueName('edited/integers')
  graph.addInitializer(name, { type: 'int64', dims: [values.length], data: BigInt64Array.from(values, BigInt) })
  return name
}
