import type { Dim } from '@tp/core/expression'
import { lift, type NodeProto } from '@tp/onnx'
import type { Program } from '../program/program.ts'
import type { PruningPass } from './pruning.ts'

/**
 * Writes as constants what pruning computes from sizes alone, where the number of tokens is fixed: a dozen small nodes for each cut,
 * which runtimes fold for the first cut at most. Only while tokens are followed is their number a name.
 */
export const foldSizes: PruningPass = {
  name: 'fold sizes',
  requires: ['fused operators folded back'],
  ensures: ['sizes folded'],
  run({ program, encoder, cuts }) {
    if (typeof encoder.tokens === 'number' && cuts.length > 0) foldKnown(program)
    return false
  },
}

function foldKnown({ graph }: Program): void {
  const lifted = lift(graph)
  const known = new Map<NodeProto, readonly number[]>()
  for (const node of graph.nodes) {
    const [name, ...others] = node.output
    if (name === undefined || others.length > 0 || !node.name.startsWith('tp/')) continue
    const { value } = lifted.tensor(name)
    if (value?.every(isNumber)) known.set(node, value)
  }
  for (const [node, value] of known) {
    const name = node.output[0] as string
    const isRead = graph.consumers(name).some((consumer) => !known.has(consumer.node))
    if (!isRead || node.opType === 'Constant') continue
    const { dtype, dims } = lifted.tensor(name)
    graph.remove(node)
    graph.addInitializer(name, { dtype, dims: dims as number[], data: Float64Array.from(value) })
  }
  graph.removeDeadNodes()
}

function isNumber(dim: Dim): dim is number {
  return typeof dim === 'number'
}
