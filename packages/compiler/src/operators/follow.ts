import type { Tensor } from '@tp/core'
import { type Dim, isUnknown } from '@tp/core/expression'
import { isOpaque, type NodeProto } from '@tp/onnx'
import { Refused } from '../program/refusal.ts'
import { change, counts, placeholder } from './flow.ts'
import { repairNode } from './node-inputs.ts'
import type { Flow } from './operator.ts'

/**
 * Follows changed values through the graph, node by node, and repairs what would no longer fit. Nodes must be in
 * topological order; `own` nodes, those that made the change, are left alone.
 */
export function follow(flow: Flow, own: ReadonlySet<NodeProto> = new Set()): void {
  const { program, changed } = flow
  for (const node of [...program.graph.nodes]) {
    if (own.has(node) || !node.input.some((name) => changed.has(name))) continue
    if (node.output.some((name) => changed.has(name))) continue
    if (node.output.some((name) => name !== '' && isOpaque(program.tensor(name).node.op))) {
      throw new Refused(
        'TP_UNSUPPORTED_OP',
        `tokens pass through the operator ${node.opType}, which is not known in this form`,
        node,
      )
    }
    const inputs = repairNode(flow, node)
    const outputs = program.infer(node, inputs).map((output) => withLeading(flow, node, output))
    for (const [i, output] of outputs.entries()) {
      const name = node.output[i]
      if (name === undefined || name === '') continue
      if (!output.hasShape)
        throw new Refused(
          'TP_UNSUPPORTED_OP',
          `tokens pass through the operator ${node.opType}, which cannot be followed`,
          node,
        )
      if (differs(flow, program.tensor(name), output)) change(flow, name, output)
    }
  }
}

/** Leading tokens that are sliced are all there: they have to be kept. */
function withLeading(flow: Flow, node: NodeProto, output: Tensor): Tensor {
  const fewest = `min(${flow.count},`
  if (node.opType !== 'Slice' || !output.hasShape) return output
  const isCut = (dim: Dim): dim is string => typeof dim === 'string' && dim.startsWith(fewest)
  if (!output.dims.some(isCut)) return output
  const dims = output.dims.map((dim) => (isCut(dim) ? Number(dim.slice(fewest.length, -1)) : dim))
  return placeholder(node.output[0] as string, output, dims)
}

/** True if the flow's count is somewhere in the value's shape or, for shape arithmetic, in its contents. */
function differs(flow: Flow, old: Tensor, now: Tensor): boolean {
  if (now.dims.some((dim) => counts(flow, dim))) return true
  if (now.value?.some((dim) => counts(flow, dim))) return true
  if (old.value === undefined || now.value === undefined) return old.value !== undefined
  // The new count has a name of its own and is positive, so that more can be known of what is computed from it.
  return now.value.some((dim, i) => isUnknown(dim) !== isUnknown(old.value?.[i] as Dim))
}
