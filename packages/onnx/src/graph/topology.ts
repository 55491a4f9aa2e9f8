import { TpError } from '@tp/core'
import type { NodeProto } from 'onnx-buf'
import { capturedNames } from './subgraph.ts'

/**
 * Nodes in an order in which each comes after those it reads from. A node only moves if one that reads it stood in
 * front of it; then it comes to stand directly before that reader.
 * @throws TpError TP_CYCLE
 */
export function sortNodes(
  nodes: readonly NodeProto[],
  producerOf: (name: string) => NodeProto | undefined,
): NodeProto[] {
  const sorted: NodeProto[] = []
  const state = new Map<NodeProto, 'open' | 'done'>()
  const stack: NodeProto[] = []
  for (const start of nodes) {
    stack.push(start)
    for (let node = stack.at(-1); node !== undefined; node = stack.at(-1)) {
      if (state.get(node) === 'done') {
        stack.pop()
        continue
      }
      const missing = sourcesOf(node, producerOf).filter((source) => state.get(source) !== 'done')
      if (missing.length === 0) {
        state.set(node, 'done')
        sorted.push(node)
        stack.pop()
        continue
      }
      if (state.get(node) === 'open') throw cycle(node)
      state.set(node, 'open')
      for (let i = missing.length - 1; i >= 0; i--) stack.push(missing[i] as NodeProto)
    }
  }
  return sorted
}

function sourcesOf(node: NodeProto, producerOf: (name: string) => NodeProto | undefined): NodeProto[] {
  const sources: NodeProto[] = []
  for (const name of [...node.input, ...capturedNames(node)]) {
    const producer = producerOf(name)
    if (producer !== undefined) sources.push(producer)
  }
  return sources
}

function cycle(node: NodeProto): TpError {
  const label = node.name === '' ? node.output[0] : node.name
  return new TpError('TP_CYCLE', 'onnx', `node "${label}" (${node.opType}) reads, by way of others, its own result`)
}
