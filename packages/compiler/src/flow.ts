import { type Dim, input, namesIn, type Tensor } from '@tp/core'
import { isOpaque, type NodeProto } from '@tp/onnx'
import type { Named, Program } from './program.ts'
import { Refused } from './refusal.ts'
import { repairOf } from './repair.ts'

/**
 * What happens to the values behind a change of the token axis. The axis gets a size with a name of its own, so
 * wherever that name turns up in an inferred shape is a token axis: no size is ever matched by its number.
 */
export interface Flow {
  readonly program: Program
  /** Name of the new token count. */
  readonly count: string
  /** False while the graph is only looked at. */
  readonly edits: boolean
  /** The token count before. */
  readonly before: Dim
  /** New type and shape of the values that changed. */
  readonly changed: Map<string, Tensor>
  /** Makes a value that does not come from the cut follow it along one of its axes. `rank`: of the reader's result. */
  take(name: string, axes: readonly number[], rank: number, reader: NodeProto): Named
  /** Makes input `index` of a node read another value. */
  rewire(node: NodeProto, index: number, name: string): void
  /** Notes that a reader needs the first `tokens` tokens in their places; `single`: it takes one of them out. */
  reads(tokens: number, reader: NodeProto, single: boolean): void
  /** A shape as a value of the graph; `data` is what `{ axis }` entries take their sizes from. */
  shape(entries: readonly ShapeEntry[], data: string, reader: NodeProto): Named
  /**
   * How many tokens the model began with, int64 [] or [1]: positions are made from it, since tokens keep theirs for
   * ever. Undefined while nothing is edited.
   */
  wholeCount(rank: 0 | 1, reader: NodeProto): Named | undefined
  /** Makes zeros in a Reshape's shape mean "as it was": exporters that never use them switch that off. */
  letZerosCopy(reshape: NodeProto): void
}

/** One entry of a rewritten shape: a number (0 copies, -1 infers), or the size of an axis of the reshaped value. */
export type ShapeEntry = number | { readonly axis: number }

/** True if the size counts tokens that the flow follows. */
export function counts(flow: Flow, dim: Dim): boolean {
  return typeof dim === 'string' && (dim === flow.count || namesIn(dim).has(flow.count))
}

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
    const inputs = repairOf(node)(flow, node)
    const outputs = program.infer(node, inputs)
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

/** Records a changed value; it must not be read where it cannot be followed. */
export function change(flow: Flow, name: string, tensor: Tensor): void {
  const captured = flow.program.graph.consumers(name).find((use) => use.index < 0)
  if (captured !== undefined) {
    throw new Refused(
      'TP_CONTROL_FLOW',
      'tokens are used inside the body of a control-flow node, where they cannot be followed',
      captured.node,
    )
  }
  flow.changed.set(name, tensor)
}

/** Makes what was found the program's knowledge, and what the file declares of the changed values true again. */
export function commit(flow: Flow): void {
  const { graph } = flow.program
  for (const [name, tensor] of flow.changed) {
    flow.program.setTensor(name, tensor)
    if (graph.isOutput(name) || graph.valueInfo(name) === undefined) continue
    graph.setValueInfo(
      name,
      tensor.dtype,
      tensor.dims.map((dim) => (counts(flow, dim) ? undefined : dim)),
    )
  }
}

/** True if the flow's count is somewhere in the value's shape or, for shape arithmetic, in its contents. */
function differs(flow: Flow, old: Tensor, now: Tensor): boolean {
  if (now.dims.some((dim) => counts(flow, dim))) return true
  if (now.value?.some((dim) => counts(flow, dim))) return true
  return old.value !== undefined && now.value === undefined
}

/** A value known by type and shape only. */
export function placeholder(name: string, like: Tensor, dims: readonly Dim[]): Tensor {
  return input(name, like.dtype, dims)
}
