import { TpError } from '@tp/core'
import type { GraphProto, ModelProto, NodeProto } from 'onnx-buf'
import { attributeGraphs } from '../graph/subgraph.ts'

/** Integers of operators that ONNX bounds and runtimes do not check: onnxruntime ends the process for them. */
const least: Readonly<Record<string, Readonly<Record<string, bigint>>>> = {
  GatherND: { batch_dims: 0n },
}

/** @throws TpError TP_ATTRIBUTE for a value that the specification of its operator forbids */
export function checkAttributes({ graph, functions }: ModelProto): void {
  const checkNode = (node: NodeProto): void => {
    const bounds = node.domain === '' || node.domain === 'ai.onnx' ? least[node.opType] : undefined
    for (const { name, i } of bounds === undefined ? [] : node.attribute) {
      const bound = bounds?.[name]
      if (bound === undefined || i >= bound) continue
      const seen = `${node.opType} node "${node.name || node.output[0]}" has ${name} ${i}`
      throw new TpError('TP_ATTRIBUTE', 'onnx', `${seen}, and ONNX allows ${bound} or more; export the model again`)
    }
    for (const inner of attributeGraphs(node)) checkGraph(inner)
  }
  const checkGraph = ({ node }: GraphProto): void => node.forEach(checkNode)
  if (graph !== undefined) checkGraph(graph)
  for (const { node } of functions) node.forEach(checkNode)
}
