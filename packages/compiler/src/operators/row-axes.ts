import type { Attributes, Dim, Tensor } from '@tp/core'
import { isOpaque, type NodeProto } from '@tp/onnx'
import { einsumTerms } from './einsum.ts'
import { broadcastingOps, operatorName, pointwiseOps } from './operator.ts'

/** Which axis of an input holds the same rows as an axis of the result; `all`: every row of the input counts. */
export type RowAxis = number | 'all' | undefined

/** What is known of a node: inputs, its first result, and its attributes in core's canonical form. */
export interface NodeView {
  readonly node: NodeProto
  readonly inputs: readonly (Tensor | undefined)[]
  readonly output: Tensor
  readonly attributes: Attributes
  /** True if the size counts tokens. */
  readonly isTokens: (dim: Dim) => boolean
}

/**
 * For each input, the axis whose rows alone decide the rows of axis `axis` of the result; undefined if the input has
 * no such axis (it is the same for every row).
 */
export function rowAxes(view: NodeView, axis: number): RowAxis[] {
  const { node, inputs } = view
  // A node that contradicts its inputs has the shape that the file declares, which proves nothing.
  if (isOpaque(view.output.node.op)) return inputs.map(() => 'all')
  const opType = operatorName(node)
  if (broadcastingOps.has(opType)) return inputs.map((x) => aligned(view, x, axis))
  if (pointwiseOps.has(opType)) return inputs.map((_, i) => (i === 0 ? axis : undefined))
  const rule = rules.get(opType)
  return rule === undefined ? inputs.map(() => 'all') : rule(view, axis)
}

function aligned({ output, isTokens }: NodeView, x: Tensor | undefined, axis: number): RowAxis {
  if (x === undefined) return undefined
  const place = axis - (output.rank - x.rank)
  const dim = x.dims[place]
  return dim !== undefined && isTokens(dim) ? place : undefined
}

type Rule = (view: NodeView, axis: number) => RowAxis[]

/** Ops along one axis that leave the others alone. */
const beside: Rule = ({ inputs, attributes, output }, axis) => {
  const own = (attributes.axis as number | undefined) ?? -1
  return inputs.map((_, i) => (i > 0 ? undefined : (own < 0 ? own + output.rank : own) === axis ? 'all' : axis))
}

const matmul: Rule = (view, axis) => {
  const [a, b] = view.inputs as [Tensor, Tensor]
  const { rank } = view.output
  if (axis === rank - 2) return [a.rank - 2, b.dims.some(view.isTokens) ? 'all' : undefined]
  if (axis === rank - 1) return ['all', 'all']
  return [aligned(view, a, axis), aligned(view, b, axis)]
}

const reshape: Rule = ({ inputs, output, isTokens }, axis) => {
  const before = tokenAxes(inputs[0] as Tensor, isTokens)
  const after = tokenAxes(output, isTokens)
  return [before.length === after.length ? (before[after.indexOf(axis)] ?? 'all') : 'all', undefined]
}

function tokenAxes(x: Tensor, isTokens: (dim: Dim) => boolean): number[] {
  return x.dims.flatMap((dim, axis) => (isTokens(dim) ? [axis] : []))
}

/** Each letter of the result is an axis of the operands that have it. */
const einsum: Rule = ({ node }, axis) => {
  const { terms, result } = einsumTerms(node)
  return terms.map((term) => {
    const place = term.indexOf(result[axis] as string)
    return place < 0 ? undefined : place
  })
}

/** Data at indices: axes of the indices take the place of one axis of the data. */
const gather: Rule = ({ inputs, attributes }, axis) => {
  const from = attributes.axis as number
  const rank = (inputs[1] as Tensor).rank
  if (axis < from) return [axis, undefined]
  return axis < from + rank ? ['all', axis - from] : [axis - rank + 1, undefined]
}

const gatherElements: Rule = ({ attributes }, axis) => [axis === attributes.axis ? 'all' : axis, axis]

const slice: Rule = ({ inputs }, axis) => {
  const [data, starts, , axes] = inputs as [Tensor, Tensor, Tensor, Tensor?]
  const sliced = axes === undefined ? starts.value?.map((_, i) => i) : axes.value
  const beside = sliced?.every((own) => typeof own === 'number' && (own < 0 ? own + data.rank : own) !== axis)
  return [beside ? axis : 'all']
}

/** Axes as the result has them → as the input has them, for ops that add or take away axes. */
function withoutAxes(axes: readonly number[], rank: number): number[] {
  return Array.from({ length: rank }, (_, axis) => axis).filter((axis) => !axes.includes(axis))
}

const reduce: Rule = ({ inputs, attributes }, axis) => {
  const axes = (attributes.axes as readonly number[] | undefined) ?? []
  const from = attributes.keepdims === 0 ? withoutAxes(axes, (inputs[0] as Tensor).rank)[axis] : axis
  return [from === undefined || axes.includes(from) ? 'all' : from]
}

const rules: ReadonlyMap<string, Rule> = new Map(
  Object.entries<Rule>({
    Softmax: beside,
    LogSoftmax: beside,
    LayerNormalization: beside,
    Split: beside,
    Concat: (view, axis) => view.inputs.map(() => (beside(view, axis)[0] === 'all' ? 'all' : axis)),
    MatMul: matmul,
    MatMulInteger: matmul,
    'com.microsoft.FusedMatMul': matmul,
    'com.microsoft.MatMulNBits': ({ output }, axis) => [axis === output.rank - 1 ? 'all' : axis],
    'com.microsoft.FusedGemm': (_, axis) => [axis === 0 ? 0 : 'all', undefined, undefined],
    Gemm: (_, axis) => [axis === 0 ? 0 : 'all', undefined, undefined],
    Reshape: reshape,
    Transpose: ({ attributes }, axis) => [(attributes.perm as readonly number[])[axis]],
    Unsqueeze: ({ attributes, output }, axis) => {
      const from = withoutAxes(attributes.axes as readonly number[], output.rank).indexOf(axis)
      return [from < 0 ? undefined : from]
    },
    Squeeze: ({ inputs, attributes }, axis) => [
      withoutAxes(attributes.axes as readonly number[], (inputs[0] as Tensor).rank)[axis] ?? 'all',
    ],
    Einsum: einsum,
    Gather: gather,
    GatherElements: gatherElements,
    Slice: slice,
    Expand: (view, axis) => [aligned(view, view.inputs[0], axis), undefined],
    Tile: ({ inputs }, axis) => [inputs[1]?.value?.[axis] === 1 ? axis : 'all', undefined],
    ReduceMean: reduce,
    ReduceSum: reduce,
    ReduceMax: reduce,
    ReduceMin: reduce,
    ReduceL2: reduce,
  }),
)
