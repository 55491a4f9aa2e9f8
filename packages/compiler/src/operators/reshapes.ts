import type { Tensor } from '@tp/core'
import { type Dim, substituteDim } from '@tp/core/expression'
import type { NodeProto } from '@tp/onnx'
import { Refused } from '../program/refusal.ts'
import { aligned, isWide } from './elementwise.ts'
import { counts } from './flow.ts'
import { fits, inputsOf, refuseOp, replace } from './node-inputs.ts'
import { skippedBy, takeOperand } from './operands.ts'
import type { Flow, Inputs, OperatorEntries, Repair, RowRule, ShapeEntry, UpstreamRule } from './operator.ts'
import { always } from './packing.ts'
import { reshapedDims, shapeEntries } from './reshape-axes.ts'
import { fillWhole, shapeWhole } from './whole-sizes.ts'

/**
 * A shape with the old token count baked in (a constant, or taken from the model's inputs) is rewritten. Which of its
 * entries counts tokens follows from how the axes before and after fit together.
 */
const reshape: Repair = (flow, node) => {
  const inputs = inputsOf(flow, node)
  const [data, shape] = inputs as [Tensor, Tensor]
  const name = node.output[0] as string
  // A table of pairs of tokens that does not come from the cut: its shape was read off the tokens.
  const whole = data.dims.some((dim) => counts(flow, dim)) ? undefined : shapeWhole(flow, node, inputs, 1)
  if (whole !== undefined) return whole
  // The input of the node before; a reader of the cut itself reads another value now.
  const from = data.dims.map((dim) => substituteDim(dim, new Map([[flow.count, flow.before]])))
  const dims = reshapedDims(flow, node, from, flow.program.tensor(name).dims, data.dims)
  const [now] = flow.program.infer(node, inputs)
  if (now?.hasShape && sameDims(now.dims, dims)) return inputs
  const entries = shapeEntries(data.dims, dims, shape.value, flow.batch)
  if (entries === undefined)
    throw new Refused('TP_TOKEN_AXIS', `a reshape to [${dims.join(',')}] mixes tokens with another axis`, node)
  if (entries.includes(0)) flow.letZerosCopy(node)
  replace(flow, node, inputs, 1, flow.shape(entries, node.input[0] as string, node, inputs))
  return inputs
}

/** A shape that is filled with one number. */
const filled: Repair = (flow, node) => {
  const inputs = inputsOf(flow, node)
  return fillWhole(flow, node, inputs, 0) ?? inputs
}

const expand: Repair = (flow, node) => {
  const inputs = inputsOf(flow, node)
  const [data, shape] = inputs as [Tensor, Tensor]
  const whole = data.dims.every((dim) => dim === 1) ? fillWhole(flow, node, inputs, 1) : undefined
  if (whole !== undefined) return whole
  const { value } = shape
  if (value === undefined)
    throw new Refused('TP_SHAPE', 'the shape that a value is expanded to cannot be followed', node)
  const rank = Math.max(data.rank, value.length)
  const target = (axis: number): Dim => value[axis - rank + value.length] ?? 1
  const own = (axis: number): Dim => data.dims[axis - rank + data.rank] ?? 1
  const stale: number[] = []
  for (let axis = 0; axis < rank; axis++) {
    if (counts(flow, own(axis)) && target(axis) !== 1 && !counts(flow, target(axis))) stale.push(axis)
  }
  if (stale.length > 0) rewriteTarget(flow, node, inputs, new Map(stale.map((axis) => [axis + value.length - rank, 1])))
  const axes = data.dims.flatMap((dim, axis) =>
    dim !== 1 && !counts(flow, dim) && counts(flow, target(axis + rank - data.rank)) ? [axis] : [],
  )
  const [first] = axes
  if (first !== undefined) {
    const skipped = skippedBy(flow, target(first + rank - data.rank), data.dims[first] as Dim)
    takeOperand(flow, node, inputs, 0, axes, rank, skipped)
  }
  return inputs
}

/** Gives the shape that a value is expanded to other entries at some places; those of others stay. */
function rewriteTarget(flow: Flow, node: NodeProto, inputs: Inputs, others: ReadonlyMap<number, ShapeEntry>): void {
  const { value = [] } = inputs[1] as Tensor
  const entries = value.map((dim, at): ShapeEntry => others.get(at) ?? (typeof dim === 'number' ? dim : { copied: at }))
  replace(flow, node, inputs, 1, flow.shape(entries, node.input[0] as string, node, inputs))
}

/** Repeats along other axes than the tokens'. */
const tile: Repair = (flow, node) => {
  const inputs = inputsOf(flow, node)
  const [data, repeats] = inputs as [Tensor, Tensor]
  const apart = data.dims.every((dim, axis) => !counts(flow, dim) || repeats.value?.[axis] === 1)
  return apart ? inputs : refuseOp(node)
}

function sameDims(a: readonly Dim[], b: readonly Dim[]): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i])
}

const reshapeRows: RowRule = ({ inputs, output, isTokens }, axis) => {
  const before = tokenAxes(inputs[0] as Tensor, isTokens)
  const after = tokenAxes(output, isTokens)
  return [before.length === after.length ? (before[after.indexOf(axis)] ?? 'all') : 'all', undefined]
}

function tokenAxes(x: Tensor, isTokens: (dim: Dim) => boolean): number[] {
  return x.dims.flatMap((dim, axis) => (isTokens(dim) ? [axis] : []))
}

/** Axes as the result has them → as the input has them, for ops that add or take away axes. */
export function withoutAxes(axes: readonly number[], rank: number): number[] {
  return Array.from({ length: rank }, (_, axis) => axis).filter((axis) => !axes.includes(axis))
}

/** Only axes before the last two are joined or split, such as heads. */
const reshapeUpstream: UpstreamRule = ({ program, node, output }, axes) => {
  const { dims, rank } = program.tensor(node.input[0] as string)
  const isKept = [-1, -2].every((at) => dims.at(at) === output.dims.at(at))
  const last = axes.every((axis) => axis >= output.rank - 2)
  return last && isKept ? [{ index: 0, axes: axes.map((axis) => axis + rank - output.rank) }] : undefined
}

const unsqueezeUpstream: UpstreamRule = ({ output }, axes) => {
  const from = withoutAxes(output.node.attributes.axes as readonly number[], output.rank)
  return [{ index: 0, axes: axes.map((axis) => from.indexOf(axis)) }]
}

/** Axes of the value that is expanded, and places in the shape along which it is repeated. */
const expandUpstream: UpstreamRule = ({ inputs: [data, shape], output }, axes) => {
  const { dims, rank } = data as Tensor
  const [wide, narrow]: [number[], number[]] = [[], []]
  for (const axis of axes) {
    if (isWide(dims[axis - output.rank + rank])) wide.push(axis - output.rank + rank)
    else narrow.push(axis - output.rank + (shape?.value?.length ?? 0))
  }
  if (narrow.some((at) => shape?.value?.[at] === undefined)) return undefined
  return [
    { index: 0, axes: wide },
    { index: 1, axes: narrow },
  ].filter((operand) => operand.axes.length > 0)
}

/** A value that follows the tokens along one axis is repeated along others as often as that is long. */
function takeExpanded(flow: Flow, node: NodeProto, index: number, axes: readonly number[]): void {
  const inputs = inputsOf(flow, node)
  const [data] = inputs as [Tensor]
  if (index === 0) {
    flow.rewire(node, 0, flow.take(node.input[0] as string, axes, data.rank, node).name)
    return
  }
  const axis = data.dims.indexOf(flow.count)
  if (axis < 0) throw new Refused('TP_TOKEN_AXIS', 'a value is repeated for each token, and follows none', node)
  rewriteTarget(flow, node, inputs, new Map(axes.map((at) => [at, { axis }])))
}

/** Operators that lay values out differently, or repeat them. */
export const reshapes: OperatorEntries = {
  Reshape: {
    traits: ['moved values', 'joined axes'],
    rows: reshapeRows,
    repair: reshape,
    upstream: reshapeUpstream,
    packs: always,
    zeroFrom: 'first',
  },
  Flatten: { traits: ['moved values', 'joined axes'], repair: fits, packs: always, zeroFrom: 'first' },
  Transpose: {
    traits: ['moved values'],
    rows: ({ attributes }, axis) => [(attributes.perm as readonly number[])[axis]],
    repair: fits,
    upstream: ({ output }, axes) => {
      const perm = output.node.attributes.perm as readonly number[]
      return [{ index: 0, axes: axes.map((axis) => perm[axis] as number) }]
    },
    packs: always,
    zeroFrom: 'first',
  },
  Unsqueeze: {
    traits: ['moved values', 'unit axes'],
    rows: ({ attributes, output }, axis) => {
      const from = withoutAxes(attributes.axes as readonly number[], output.rank).indexOf(axis)
      return [from < 0 ? undefined : from]
    },
    repair: fits,
    upstream: unsqueezeUpstream,
    packs: always,
    zeroFrom: 'first',
  },
  Squeeze: {
    traits: ['moved values', 'unit axes'],
    rows: ({ inputs, attributes }, axis) => [
      withoutAxes(attributes.axes as readonly number[], (inputs[0] as Tensor).rank)[axis] ?? 'all',
    ],
    repair: fits,
    packs: always,
    zeroFrom: 'first',
  },
  Expand: {
    traits: ['repeated values', 'broadcast values'],
    rows: (view, axis) => [aligned(view, view.inputs[0], axis), undefined],
    repair: expand,
    upstream: expandUpstream,
    take: takeExpanded,
  },
  Tile: {
    traits: ['repeated values'],
    rows: ({ inputs }, axis) => [inputs[1]?.value?.[axis] === 1 ? axis : 'all', undefined],
    repair: tile,
  },
  ConstantOfShape: { traits: ['shape'], rows: () => [undefined], repair: filled },
  Shape: { traits: ['shape'], repair: fits },
  Size: { traits: ['shape'], repair: fits },
}
