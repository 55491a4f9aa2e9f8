import type { Tensor } from '@tp/core'
import { type Dim, isUnknown, subDims } from '@tp/core/expression'
import type { NodeProto } from '@tp/onnx'
import { Refused } from '../program/refusal.ts'
import { counts, skippedTokens } from './flow.ts'
import { inputsOf, integerAttribute, positive, refuseOp, replace } from './node-inputs.ts'
import { exceptTokenAxis, otherAxes } from './norms.ts'
import { alignOperand, takeOperand } from './operands.ts'
import type { Flow, Inputs, OperatorEntries, PackRule, Repair, RowRule } from './operator.ts'
import { axisCountsNoTokens, countsNoTokens } from './packing.ts'
import { indexedPosition, lastPosition } from './token-position.ts'

const concat: Repair = (flow, node) => {
  const inputs = inputsOf(flow, node)
  const rank = inputs.reduce((most, x) => Math.max(most, x?.rank ?? 0), 0)
  const axis = positive(integerAttribute(node, 'axis', 0), rank)
  const parts = inputs.map((x) => x?.dims[axis] ?? 0)
  if (parts.some((dim) => counts(flow, dim)) && !joinsSplit(flow, parts)) {
    throw new Refused('TP_TOKEN_CONCAT', 'tokens are concatenated with others downstream of a site', node)
  }
  for (let i = 0; i < inputs.length; i++) alignOperand(flow, node, inputs, i, rank, axis)
  return inputs
}

/** True if parts are leading tokens followed by all others: what was split is concatenated again. */
function joinsSplit(flow: Flow, parts: readonly Dim[]): boolean {
  const leading = parts.slice(0, -1)
  if (!leading.every((dim) => typeof dim === 'number')) return false
  return skippedTokens(flow, parts.at(-1) as Dim) === (leading as number[]).reduce((a, b) => a + b, 0)
}

/**
 * Splits leading tokens (class and register tokens, which have no position in an image) from all others. The sizes are
 * rewritten; before opset 13 they were attributes.
 */
const split: Repair = (flow, node) => {
  const inputs = inputsOf(flow, node)
  const [data, sizes] = inputs as [Tensor, Tensor?]
  const axis = positive(integerAttribute(node, 'axis', 0), data.rank)
  const dim = data.dims[axis] as Dim
  if (!counts(flow, dim)) return inputs
  const parts = node.output.map((name) => flow.program.tensor(name).dims[axis] as Dim)
  const leading = parts.slice(0, -1)
  const skipped = skippedTokens(flow, dim)
  if (sizes === undefined || skipped === undefined || !leading.every((part) => typeof part === 'number')) {
    return refuseOp(node)
  }
  const taken = (leading as number[]).reduce((a, b) => a + b, 0)
  flow.reads(skipped + taken, node, false)
  const entries = [...(leading as number[]), { axis, less: taken }]
  replace(flow, node, inputs, 1, flow.shape(entries, node.input[0] as string, node, inputs))
  return inputs
}

const gather: Repair = (flow, node) => {
  const inputs = inputsOf(flow, node)
  const [data, indices] = inputs as [Tensor, Tensor]
  const axis = positive(integerAttribute(node, 'axis', 0), data.rank)
  if (!counts(flow, data.dims[axis] as Dim)) return inputs
  const skipped = skippedTokens(flow, data.dims[axis] as Dim)
  if (skipped === undefined) return refuseOp(node)
  const { value } = indices
  const position = value?.length === 1 && skipped === 0 ? lastPosition(flow, value[0]) : undefined
  if (position !== undefined && axis === 1 && data.rank === 3) {
    flow.readsAt(position, node)
    return inputs
  }
  if (value === undefined || !value.every((index) => typeof index === 'number')) {
    throw new Refused(
      'TP_TOKEN_INDEX',
      'tokens are read by indices that are computed, which would point to others once tokens are pruned',
      node,
    )
  }
  const last = Math.max(...(value as number[]))
  if (Math.min(...(value as number[])) < 0) {
    throw new Refused(
      'TP_LAST_TOKEN',
      'the model reads a token by its position from the end, which is another one once tokens are pruned',
      node,
    )
  }
  flow.reads(skipped + last + 1, node, true)
  return inputs
}

/** One token of each example, by integers that say which. */
const indexed: Repair = (flow, node) => {
  const inputs = inputsOf(flow, node)
  const [data] = inputs as [Tensor]
  const position = data.rank >= 3 && data.dims[1] === flow.count ? indexedPosition(flow, node) : undefined
  if (position === undefined) {
    if (node.opType === 'GatherND' && readsExamples(flow, node, inputs)) {
      const seen = 'examples are taken out of the batch by indices (as adapters do, each for the texts of its language)'
      throw new Refused('TP_UNSUPPORTED_OP', `${seen}, so it is not known whose tokens these are`, node)
    }
    throw new Refused(
      'TP_TOKEN_INDEX',
      'tokens are read by indices that are computed, and not one token of each example by integers that come from the inputs alone',
      node,
    )
  }
  flow.readsAt(position, node)
  return inputs
}

/** True for whole examples of a stream [b,n,…], by indices [m,1]. */
function readsExamples(flow: Flow, node: NodeProto, [data, indices]: Inputs): boolean {
  const isWhole = integerAttribute(node, 'batch_dims', 0) === 0 && indices?.dims.at(-1) === 1
  return isWhole && data?.dims[0] === flow.batch && data.dims[1] === flow.count
}

/** Reads of single elements; along other axes than the tokens' the indices follow like any operand. */
const elements: Repair = (flow, node) => {
  const inputs = inputsOf(flow, node)
  const [data, indices] = inputs as [Tensor, Tensor]
  const axis = positive(integerAttribute(node, 'axis', 0), data.rank)
  if (counts(flow, data.dims[axis] as Dim)) return indexed(flow, node)
  const stale = indices.dims.flatMap((dim, own) =>
    own !== axis && counts(flow, data.dims[own] as Dim) && !counts(flow, dim) ? [own] : [],
  )
  if (stale.length > 0) takeOperand(flow, node, inputs, 1, stale, indices.rank)
  return inputs
}

/** Writes elements along an axis that may not be the tokens'; along the others all operands follow. */
const scattered: Repair = (flow, node) => {
  const inputs = exceptTokenAxis('axis', 0)(flow, node)
  const { rank } = inputs[0] as Tensor
  const axis = positive(integerAttribute(node, 'axis', 0), rank)
  for (let i = 0; i < inputs.length; i++) alignOperand(flow, node, inputs, i, rank, axis)
  return inputs
}

/** Far enough to mean "to the end", whatever the length. */
const END = 2 ** 31 - 1

const slice: Repair = (flow, node) => {
  const inputs = inputsOf(flow, node)
  const [data, starts, ends, axesInput, steps] = inputs as [Tensor, Tensor, Tensor, Tensor?, Tensor?]
  // Before opset 10 bounds were attributes.
  if (starts === undefined || ends === undefined) return refuseOp(node)
  const axes = axesInput?.value ?? starts.value?.map((_, i) => i)
  const tokenAxis = (axis: Dim): boolean =>
    typeof axis === 'number' && counts(flow, data.dims[positive(axis, data.rank)] as Dim)
  const sizesFollow = [starts, ends].some((x) => x.value?.some((dim) => counts(flow, dim)))
  if (axes === undefined || !axes.some(tokenAxis)) {
    if (!sizesFollow) return inputs
    if (starts.value?.[0] === `-${flow.count}` && ends.value?.length === 1 && Number(ends.value[0]) >= END) {
      // The last n of n: all of them.
      replace(flow, node, inputs, 1, flow.shape([-END], node.input[0] as string, node))
      return inputs
    }
    const isPrefix = starts.value?.every((dim) => dim === 0) && ends.value?.length === 1
    return isPrefix ? fromPositions(flow, node, inputs, 2) : refusePositions(node)
  }
  if (axes.length !== 1) return refuseOp(node)
  if (steps !== undefined && steps.value?.[0] !== 1) return refuseTokenSlice(node)
  const count = data.dims[positive(axes[0] as number, data.rank)] as Dim
  const skipped = skippedTokens(flow, count)
  if (skipped === undefined) return refuseTokenSlice(node)
  const before = subDims(flow.before, skipped)
  for (const index of [1, 2] as const) fixBound(flow, node, inputs, index)
  // Counted from the end, as many tokens as there are: all of them.
  const [from] = inputs[1]?.value ?? []
  const start = from === subDims(0, count) ? 0 : from
  const end = inputs[2]?.value?.[0]
  const toEnd = end === count || end === before || (typeof end === 'number' && end >= END)
  const position = toEnd && skipped === 0 ? lastPosition(flow, start) : undefined
  if (position !== undefined && axes[0] === 1 && data.rank === 3) {
    flow.readsAt(position, node)
    return inputs
  }
  if (typeof start !== 'number' || start < 0) return refuseTokenSlice(node)
  if (typeof end === 'number' && end >= 0 && end < END && end !== before) {
    flow.reads(skipped + end, node, end - start === 1)
    return inputs
  }
  if (!toEnd) return refuseTokenSlice(node)
  if (start > 0) flow.reads(skipped + start, node, false)
  if (end === before) {
    replace(flow, node, inputs, 2, flow.shape([END], node.input[0] as string, node))
  }
  return inputs
}

/**
 * A bound that is the number of tokens less a few (the patches) becomes the number of these few: that of the leading
 * ones, class and registers. The last token is another position.
 */
function fixBound(flow: Flow, node: NodeProto, inputs: Inputs, index: 1 | 2): void {
  const [bound] = inputs[index]?.value ?? []
  if (typeof flow.before !== 'number' || typeof bound !== 'string') return
  const less = subDims(flow.count, bound)
  if (typeof less !== 'number' || less <= 1 || less > flow.before) return
  replace(flow, node, inputs, index, flow.shape([flow.before - less], node.input[0] as string, node, inputs))
}

function refuseTokenSlice(node: NodeProto): never {
  throw new Refused(
    'TP_TOKEN_INDEX',
    'tokens are sliced by a range that would hold others once tokens are pruned',
    node,
  )
}

/** Positions 0, 1, 2, … or 1, 2, 3, … up to the number of tokens. */
const range: Repair = (flow, node) => fromPositions(flow, node, inputsOf(flow, node), 1)

/**
 * A node that makes positions from the number of tokens gets the number that the model began with; what is computed from
 * it then follows the cut like any other value that has all tokens.
 */
function fromPositions(flow: Flow, node: NodeProto, inputs: Inputs, index: 1 | 2): Inputs {
  const limit = inputs[index]
  const [count] = limit?.value ?? []
  const more = count === undefined || isUnknown(count) ? undefined : subDims(count, flow.count)
  const others = inputs.some((x, i) => i !== index && x?.value?.some((dim) => counts(flow, dim)))
  if (limit?.dtype !== 'int64' || typeof more !== 'number' || others) return refusePositions(node)
  const whole = flow.wholeCount(index === 1 ? 0 : 1, node, more)
  if (whole === undefined) return inputs.with(index, flow.program.tensor(node.input[index] as string))
  replace(flow, node, inputs, index, whole)
  return inputs
}

function refusePositions(node: NodeProto): never {
  throw new Refused(
    'TP_POSITIONS',
    'positions are made from the number of tokens inside a layer, and would be renumbered once tokens are pruned',
    node,
  )
}

/** Data at indices: axes of the indices replace one axis of the data. */
const gatherRows: RowRule = ({ inputs, attributes }, axis) => {
  const from = attributes.axis as number
  const rank = (inputs[1] as Tensor).rank
  if (axis < from) return [axis, undefined]
  return axis < from + rank ? ['all', axis - from] : [axis - rank + 1, undefined]
}

const sliceRows: RowRule = ({ inputs }, axis) => {
  const [data, starts, , axes] = inputs as [Tensor, Tensor, Tensor, Tensor?]
  const sliced = axes === undefined ? starts.value?.map((_, i) => i) : axes.value
  const except = sliced?.every((own) => typeof own === 'number' && (own < 0 ? own + data.rank : own) !== axis)
  return [except ? axis : 'all']
}

/** Packed, the axis of tokens has another length: of it, all are taken up to a number that is beyond every length, or by {@link isWholeSlice}. */
const slicePacks: PackRule = (view) => {
  const { input, output } = view
  const ends = output.node.inputs[2]?.value
  return (output.node.attributes.axes as readonly number[]).every((own, i) => {
    const axis = positive(own, input.rank)
    if (countsNoTokens(view, axis)) return true
    return input.dims[axis] === output.dims[axis] && (typeof ends?.[i] === 'number' || isWholeSlice(output))
  })
}

/** True for the result of a Slice that returns its input as it is, as `x[:, :n]` of n tokens does. */
export function isWholeSlice({ node: { op, inputs, attributes }, dims }: Tensor): boolean {
  const steps = attributes.steps as readonly number[] | undefined
  return op.name === 'Slice' && steps?.every((step) => step > 0) !== false && String(inputs[0]?.dims) === String(dims)
}

/** Operators that take parts out of values, or join them. */
export const reads: OperatorEntries = {
  Concat: {
    traits: ['joined values'],
    rows: (view, axis) => view.inputs.map(() => (otherAxes(view, axis)[0] === 'all' ? 'all' : axis)),
    repair: concat,
    packs: axisCountsNoTokens,
    zeroFrom: 'all',
    zeroOrOneFrom: 'all',
  },
  Split: { traits: ['parts'], rows: otherAxes, repair: split, packs: axisCountsNoTokens, zeroFrom: 'first' },
  Gather: { traits: ['parts'], rows: gatherRows, repair: gather, packs: axisCountsNoTokens, zeroFrom: 'first' },
  GatherND: { traits: ['parts'], repair: indexed },
  GatherElements: {
    traits: ['parts'],
    rows: ({ attributes }, axis) => [axis === attributes.axis ? 'all' : axis, axis],
    repair: elements,
    upstream: ({ output }, axes) =>
      axes.includes(output.node.attributes.axis as number) && axes.length === 1 ? [{ index: 1, axes }] : undefined,
  },
  ScatterElements: {
    traits: ['joined values', 'positional'],
    rows: (view, axis) => view.inputs.map(() => otherAxes(view, axis)[0]),
    repair: scattered,
  },
  Slice: { traits: ['parts'], rows: sliceRows, repair: slice, packs: slicePacks, zeroFrom: 'first' },
  Range: { traits: ['shape'], repair: range },
  TopK: { traits: ['other'], rows: otherAxes, repair: exceptTokenAxis('axis', -1), packs: axisCountsNoTokens },
}
