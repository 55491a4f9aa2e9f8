import { createNode, type Graph, type NodeProto } from '@tp/onnx'
import { packedOperatorOf } from './operators.ts'

/**
 * Keeps operands of attention that come from a DequantizeLinear apart from it, by a Clip without bounds. Otherwise onnxruntime moves the
 * DequantizeLinear past their Transpose in the attention's function, to where its loop reads them, and ends the process
 * (QDQPropagationTransformer of 1.20 to 1.32). In place.
 */
export function separateRounding(graph: Graph): void {
  const apart = new Map<string, string>()
  for (const node of [...graph.nodes]) {
    if (packedOperatorOf(node)?.name.startsWith('PackedAttention') !== true) continue
    for (const [index, name] of node.input.entries()) {
      if (!isRounded(graph, name)) continue
      if (!apart.has(name)) apart.set(name, clipped(graph, name, node))
      graph.replaceInput(node, index, apart.get(name) as string)
    }
  }
}

function clipped(graph: Graph, name: string, before: NodeProto): string {
  const output = graph.uniqueName(`${name}/apart`)
  graph.insert([createNode({ type: 'Clip', name: `${output}/Clip`, inputs: [name], outputs: [output] })], before)
  return output
}

/** Operators past which onnxruntime moves the end of a rounding. */
const MOVED: ReadonlySet<string> = new Set([
  'Expand',
  'Flatten',
  'Gather',
  'Identity',
  'MaxPool',
  'Reshape',
  'Slice',
  'Squeeze',
  'Transpose',
  'Unsqueeze',
])

function isRounded(graph: Graph, name: string): boolean {
  let node = graph.producer(name)
  while (node !== undefined && MOVED.has(node.opType)) node = graph.producer(node.input[0] as string)
  return node?.opType === 'DequantizeLinear'
}
