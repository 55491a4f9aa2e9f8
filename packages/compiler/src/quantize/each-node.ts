import type { NodeProto } from '@tp/onnx'
import { QuantizedGraph } from './quantized-graph.ts'

/** Visits the nodes of a graph and of the branches in it, which may be replaced meanwhile. */
export function eachNode(of: QuantizedGraph, visit: (node: NodeProto, own: QuantizedGraph) => void): void {
  for (const node of [...of.graph.nodes]) {
    if (node.opType !== 'If') visit(node, of)
    else
      of.graph.editBodies(node, (branch) => {
        eachNode(new QuantizedGraph(branch, of.rounding, of), visit)
        branch.removeDeadNodes()
      })
  }
}
