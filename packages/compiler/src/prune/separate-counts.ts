import { createNode, type NodeProto } from '@tp/onnx'
import type { PoolCount } from '../analyze/pool-counts.ts'
import type { Program } from '../program/program.ts'

/** Gives each division a count of its own: what it divides may be about fewer tokens than that of another one. */
export function separateCounts(program: Program, counts: readonly PoolCount[]): PoolCount[] {
  const taken = new Set<NodeProto>()
  return counts.map((count) => {
    const { node, division, obstacle } = count
    if (division === undefined || obstacle !== undefined || !taken.has(node)) {
      taken.add(node)
      return count
    }
    let last = node.output[0] as string
    const copies = [{ node, index: -1 }, ...division.path].map((step) => {
      const copy = copyNode(program, step.node)
      if (step.index >= 0) copy.input[step.index] = last
      last = copy.output[0] as string
      return copy
    })
    program.graph.insert(copies, division.node)
    program.graph.replaceInput(division.node, division.index, last)
    return { ...count, node: copies[0] as NodeProto }
  })
}

function copyNode(program: Program, node: NodeProto): NodeProto {
  const { graph } = program
  const outputs = node.output.map((output) => (output === '' ? '' : graph.uniqueName(output)))
  for (const [i, output] of outputs.entries())
    if (output !== '') program.setTensor(output, program.tensor(node.output[i] as string))
  const name = graph.uniqueName(node.name === '' ? node.opType : node.name)
  const copy = createNode({ type: node.opType, domain: node.domain, name, inputs: node.input, outputs })
  copy.attribute = [...node.attribute]
  return copy
}
