import { type Dim, input, isUnknown, namesIn, subDims, type Tensor } from '@tp/core'
import { isOpaque, type NodeProto } from '@tp/onnx'
import type { Named, Program } from '../program/program.ts'
import { Refused } from '../program/refusal.ts'
import { repairOf } from './table.ts'
import type { TokenPlace } from './token-position.ts'

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
  /**
   * Makes a value that does not come from the cut follow it along some of its axes. `rank`: of the reader's result;
   * `skipped`: leading tokens that the value has no rows for (a rope table of the patches alone).
   */
  take(name: string, axes: readonly number[], rank: number, reader: NodeProto, skipped?: number): Named
  /** Makes input `index` of a node read another value. */
  rewire(node: NodeProto, index: number, name: string): void
  /** Notes that a reader needs the first `tokens` tokens in their places; `single`: it takes one of them out. */
  reads(tokens: number, reader: NodeProto, single: boolean): void
  /** Notes that a reader takes out one token of each row, at a place that is not among the leading ones. */
  readsAt(place: TokenPlace, reader: NodeProto): void
  /** A shape as a value of the graph; `data` is what `{ axis }` entries take their sizes from; `now`:
   * it and the shape as they are by now. */
  shape(entries: readonly ShapeEntry[], data: string, reader: NodeProto, now?: readonly (Tensor | undefined)[]): Named
  /**
   * How many tokens the model began with, int64 [] or [1]: positions are made from it, since tokens keep theirs for
   * ever. Undefined while nothing is edited.
   */
  wholeCount(rank: 0 | 1, reader: NodeProto): Named | undefined
  /** A shape in which the token count is the one that the model began with; undefined if another size is not known. */
  wholeShape(dims: readonly Dim[], reader: NodeProto): Named | undefined
  /** Makes zeros in a Reshape's shape mean "as it was": exporters that never use them switch that off. */
  letZerosCopy(reshape: NodeProto): void
}

/**
 * One entry of a rewritten shape: a number (0 copies, -1 infers), or the size of an axis of the reshaped value, without
 * the `less` first of its entries; or what the shape has there by now.
 */
export type ShapeEntry = number | { readonly axis: number; readonly less?: number } | { readonly given: number }

/** True if the size counts tokens that the flow follows. */
export function counts(flow: Flow, dim: Dim): boolean {
  return typeof dim === 'string' && (dim === flow.count || namesIn(dim).has(flow.count))
}

/** Leading tokens that an axis of the flow does not have, if it has all the others; undefined if it is something else. */
export function skippedTokens(flow: Flow, dim: Dim): number | undefined {
  const skipped = subDims(flow.count, dim)
  return typeof skipped === 'number' && skipped >= 0 ? skipped : undefined
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

/** Leading tokens that are cut out are all there: they have to stay. */
function withLeading(flow: Flow, node: NodeProto, output: Tensor): Tensor {
  const fewest = `min(${flow.count},`
  if (node.opType !== 'Slice' || !output.hasShape) return output
  const isCut = (dim: Dim): dim is string => typeof dim === 'string' && dim.startsWith(fewest)
  if (!output.dims.some(isCut)) return output
  const dims = output.dims.map((dim) => (isCut(dim) ? Number(dim.slice(fewest.length, -1)) : dim))
  return placeholder(node.output[0] as string, output, dims)
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
  if (old.value === undefined || now.value === undefined) return old.value !== undefined
  // The new count has a name of its own and is positive, so that more can be known of what is computed from it.
  return now.value.some((dim, i) => isUnknown(dim) !== isUnknown(old.value?.[i] as Dim))
}

/** A value known by type and shape only. */
export function placeholder(name: string, like: Tensor, dims: readonly Dim[]): Tensor {
  return input(name, like.dtype, dims)
}
