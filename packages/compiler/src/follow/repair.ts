import { type Dim, subDims, substituteDim, type Tensor } from '@tp/core'
import type { NodeProto } from '@tp/onnx'
import { Refused } from '../refusal.ts'
import { repairEinsum } from './einsum.ts'
import { counts, type Flow, type ShapeEntry, skippedTokens } from './flow.ts'
import { broadcastingOps, fittingOps, operatorName, pointwiseOps } from './operators.ts'
import type { Named } from './program.ts'
import { reshapedDims, shapeEntries } from './reshape-axes.ts'
import { takeBehind } from './take-behind.ts'
import { indexedPlace, lastPlace } from './token-places.ts'
import { fillWhole, limitWhole } from './whole-sizes.ts'

type Inputs = (Tensor | undefined)[]
/** Makes a node fit inputs whose token axis has changed; returns the types and shapes of its inputs afterwards. */
type Repair = (flow: Flow, node: NodeProto) => Inputs

/** How each operator is made to fit. An operator that is not here cannot be followed. */
export function repairOf(node: NodeProto): Repair {
  const repair = repairs[operatorName(node)]
  if (repair === undefined) {
    throw new Refused(
      'TP_UNSUPPORTED_OP',
      `tokens pass through the operator ${node.opType}, for which it is not known how tokens may leave it`,
      node,
    )
  }
  return repair
}

/** Types and shapes of a node's inputs as they are now. */
function inputsOf(flow: Flow, node: NodeProto): Inputs {
  return node.input.map((name) => (name === '' ? undefined : (flow.changed.get(name) ?? flow.program.tensor(name))))
}

/** Ops whose shape rule alone is right: each token for itself, or all of them together. */
const fits: Repair = (flow, node) => inputsOf(flow, node)

/** Operands are aligned from the last axis; one that still has all tokens is made to follow. */
const elementwise: Repair = (flow, node) => {
  const inputs = inputsOf(flow, node)
  const rank = Math.max(...inputs.map((x) => x?.rank ?? 0))
  for (let i = 0; i < inputs.length; i++) alignOperand(flow, node, inputs, i, rank)
  return inputs
}

/** The smaller of values; of the number of tokens and another one, see `limitWhole`. */
const smaller: Repair = (flow, node) => limitWhole(flow, node, inputsOf(flow, node)) ?? elementwise(flow, node)

/** `beside`: an axis along which operands need not be alike. */
function alignOperand(flow: Flow, node: NodeProto, inputs: Inputs, i: number, rank: number, beside?: number): void {
  const operand = inputs[i]
  if (operand === undefined) return
  const axes: number[] = []
  let skipped = 0
  for (const [axis, dim] of operand.dims.entries()) {
    const place = axis + rank - operand.rank
    if (dim === 1 || counts(flow, dim) || place === beside) continue
    const partner = inputs.map((x) => x?.dims[place - rank + x.rank]).find((d) => d !== undefined && counts(flow, d))
    if (partner === undefined) continue
    const behind = rowsBehind(flow, partner, dim)
    if (behind === undefined || (axes.length > 0 && behind !== skipped))
      throw new Refused(
        'TP_TOKEN_AXIS',
        `an axis that holds tokens and something else (${partner}) meets a value that does not follow the tokens`,
        node,
      )
    skipped = behind
    axes.push(axis)
  }
  if (axes.length > 0) takeOperand(flow, node, inputs, i, axes, rank, skipped)
}

/** How many leading tokens an axis leaves out, where the axis of another value that it meets leaves out as many. */
function rowsBehind(flow: Flow, partner: Dim, own: Dim): number | undefined {
  const skipped = skippedTokens(flow, partner)
  if (skipped === undefined || skipped === 0) return skipped
  const before = subDims(flow.before, own)
  return typeof before !== 'number' || before === skipped ? skipped : undefined
}

function takeOperand(
  flow: Flow,
  node: NodeProto,
  inputs: Inputs,
  i: number,
  axes: readonly number[],
  rank: number,
  skipped = 0,
): void {
  const name = node.input[i] as string
  if (flow.edits && flow.changed.has(name)) {
    if (!takeBehind(flow, name, axes, (own, behind) => repairOf(behind)(own, behind)))
      throw new Refused('TP_TOKEN_AXIS', `a value follows the tokens along one axis and not along another`, node)
    inputs[i] = flow.changed.get(name)
    return
  }
  replace(flow, node, inputs, i, flow.take(name, axes, rank, node, skipped))
}

function replace(flow: Flow, node: NodeProto, inputs: Inputs, i: number, by: Named): void {
  flow.rewire(node, i, by.name)
  inputs[i] = by.tensor
}

/** The axis of each operand that a product sums over. */
function innerAxes(inputs: Inputs): [number, number] {
  const [a, b] = inputs as [Tensor, Tensor]
  return [a.rank - 1, Math.max(0, b.rank - 2)]
}

/** In a sum over the tokens, weights that are made from a mask belong to the tokens; constants belong to their places. */
function alignWeights(flow: Flow, node: NodeProto, inputs: Inputs): void {
  const axes = innerAxes(inputs)
  const follows = axes.map((axis, i) => counts(flow, inputs[i]?.dims[axis] as Dim))
  const stale = follows.indexOf(false)
  if (follows[0] === follows[1] || !flow.program.dependsOnInputs(node.input[stale] as string)) return
  const rank = Math.max(...inputs.map((x) => x?.rank ?? 0))
  takeOperand(flow, node, inputs, stale, [axes[stale] as number], rank)
}

const matmul: Repair = (flow, node) => {
  const inputs = inputsOf(flow, node)
  alignWeights(flow, node, inputs)
  const [a, b] = inputs as [Tensor, Tensor]
  const inner = innerAxes(inputs).map((axis, i) => inputs[i]?.dims[axis])
  if (counts(flow, inner[0] as Dim) !== counts(flow, inner[1] as Dim)) {
    throw new Refused(
      'TP_TOKEN_MIXING',
      'a product sums over the tokens with fixed weights (one for each place), so none may leave',
      node,
    )
  }
  // Leading axes broadcast like those of elementwise ops; the last two belong to the product.
  const rank = Math.max(a.rank, b.rank)
  for (const [i, operand] of [a, b].entries()) {
    const other = i === 0 ? b : a
    for (let axis = 0; axis < operand.rank - 2; axis++) {
      const partner = other.dims[axis + other.rank - operand.rank]
      const own = operand.dims[axis] as Dim
      if (partner === undefined || own === 1 || counts(flow, own) || !counts(flow, partner)) continue
      takeOperand(flow, node, inputs, i, [axis], rank, rowsBehind(flow, partner, own))
    }
  }
  return inputs
}

/** A product of the last axis with weights that are packed in some way. */
const lastAxisProduct: Repair = (flow, node) => {
  const inputs = inputsOf(flow, node)
  const [data, ...others] = inputs
  if (data === undefined || counts(flow, data.dims.at(-1) as Dim)) return refuseOp(node)
  if (others.some((x) => x?.dims.some((dim) => counts(flow, dim)))) return refuseOp(node)
  return inputs
}

const gemm: Repair = (flow, node) => {
  const inputs = inputsOf(flow, node)
  const [a, b, c] = inputs
  if (b?.dims.some((dim) => counts(flow, dim)) || (c?.rank ?? 0) > 1) return refuseOp(node)
  const inner = a?.dims[a.rank - 1] as Dim
  if (counts(flow, inner))
    throw new Refused(
      'TP_TOKEN_MIXING',
      'a product sums over the tokens with fixed weights (one for each place), so none may leave',
      node,
    )
  return inputs
}

const concat: Repair = (flow, node) => {
  const inputs = inputsOf(flow, node)
  const rank = Math.max(...inputs.map((x) => x?.rank ?? 0))
  const axis = positive(attribute(node, 'axis', 0), rank)
  const parts = inputs.map((x) => x?.dims[axis] ?? 0)
  if (parts.some((dim) => counts(flow, dim)) && !joinsSplit(flow, parts)) {
    throw new Refused('TP_TOKEN_CONCAT', 'tokens are joined with others after the place where some have left', node)
  }
  for (let i = 0; i < inputs.length; i++) alignOperand(flow, node, inputs, i, rank, axis)
  return inputs
}

/** True if parts are leading tokens and, behind them, all others: what was taken apart comes together again. */
function joinsSplit(flow: Flow, parts: readonly Dim[]): boolean {
  const leading = parts.slice(0, -1)
  if (!leading.every((dim) => typeof dim === 'number')) return false
  return skippedTokens(flow, parts.at(-1) as Dim) === (leading as number[]).reduce((a, b) => a + b, 0)
}

/**
 * Takes leading tokens and all others apart (class and register tokens, which have no place in a picture). The sizes are
 * written anew; before opset 13 they were attributes.
 */
const split: Repair = (flow, node) => {
  const inputs = inputsOf(flow, node)
  const [data, sizes] = inputs as [Tensor, Tensor?]
  const axis = positive(attribute(node, 'axis', 0), data.rank)
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
  const axis = positive(attribute(node, 'axis', 0), data.rank)
  if (!counts(flow, data.dims[axis] as Dim)) return inputs
  const skipped = skippedTokens(flow, data.dims[axis] as Dim)
  if (skipped === undefined) return refuseOp(node)
  const { value } = indices
  const place = value?.length === 1 && skipped === 0 ? lastPlace(flow, value[0]) : undefined
  if (place !== undefined && axis === 1 && data.rank === 3) {
    flow.readsAt(place, node)
    return inputs
  }
  if (value === undefined || !value.every((index) => typeof index === 'number')) {
    throw new Refused(
      'TP_TOKEN_INDEX',
      'tokens are read by indices that are computed, which would point to others once tokens have left',
      node,
    )
  }
  const last = Math.max(...(value as number[]))
  if (Math.min(...(value as number[])) < 0) {
    throw new Refused(
      'TP_LAST_TOKEN',
      'the model reads a token by its place from the end, which is another one once tokens have left',
      node,
    )
  }
  flow.reads(skipped + last + 1, node, true)
  return inputs
}

/** One token of each row, by integers that say which. */
const indexed: Repair = (flow, node) => {
  const inputs = inputsOf(flow, node)
  const [data] = inputs as [Tensor]
  const place = data.rank === 3 && data.dims[1] === flow.count ? indexedPlace(flow, node) : undefined
  if (place === undefined) {
    throw new Refused(
      'TP_TOKEN_INDEX',
      'tokens are read by indices that are computed, and not one token of each row by integers that come from the inputs alone',
      node,
    )
  }
  flow.readsAt(place, node)
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
  const place = toEnd && skipped === 0 ? lastPlace(flow, start) : undefined
  if (place !== undefined && axes[0] === 1 && data.rank === 3) {
    flow.readsAt(place, node)
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
 * A bound that is the number of tokens without so many (the patches) is a number where they are: that of the leading
 * ones, class and registers. The last token is another place.
 */
function fixBound(flow: Flow, node: NodeProto, inputs: Inputs, index: 1 | 2): void {
  const [bound] = inputs[index]?.value ?? []
  if (typeof flow.before !== 'number' || typeof bound !== 'string') return
  const less = subDims(flow.count, bound)
  if (typeof less !== 'number' || less <= 1 || less > flow.before) return
  replace(flow, node, inputs, index, flow.shape([flow.before - less], node.input[0] as string, node, inputs))
}

/** Positions 0, 1, 2, … up to the number of tokens. */
const range: Repair = (flow, node) => fromPositions(flow, node, inputsOf(flow, node), 1)

/**
 * A node that makes positions from the number of tokens gets the number that the model began with; what is computed from
 * it then follows the cut like any other value that has all tokens.
 */
function fromPositions(flow: Flow, node: NodeProto, inputs: Inputs, index: 1 | 2): Inputs {
  const limit = inputs[index]
  const [count] = limit?.value ?? []
  const others = inputs.some((x, i) => i !== index && x?.value?.some((dim) => counts(flow, dim)))
  if (limit?.dtype !== 'int64' || count !== flow.count || others) return refusePositions(node)
  const whole = flow.wholeCount(index === 1 ? 0 : 1, node)
  if (whole !== undefined) replace(flow, node, inputs, index, whole)
  return inputs
}

function refusePositions(node: NodeProto): never {
  throw new Refused(
    'TP_POSITIONS',
    'positions are made from the number of tokens inside a block, and would be renumbered once tokens have left',
    node,
  )
}

function refuseTokenSlice(node: NodeProto): never {
  throw new Refused(
    'TP_TOKEN_INDEX',
    'tokens are cut out by a range that would hold others once tokens have left',
    node,
  )
}

/**
 * A shape with the old token count baked in (a constant, or taken from the model's inputs) is rewritten. Which of its
 * entries counts tokens follows from how the axes before and after fit together.
 */
const reshape: Repair = (flow, node) => {
  const inputs = inputsOf(flow, node)
  const [data, shape] = inputs as [Tensor, Tensor]
  const name = node.output[0] as string
  // What the node read before; a reader of the cut itself reads another value by now.
  const from = data.dims.map((dim) => substituteDim(dim, { [flow.count]: flow.before }))
  const wanted = reshapedDims(flow, node, from, flow.program.tensor(name).dims, data.dims)
  const [now] = flow.program.infer(node, inputs)
  if (now?.hasShape && sameDims(now.dims, wanted)) return inputs
  const entries = shapeEntries(data.dims, wanted, shape.value)
  if (entries === undefined)
    throw new Refused('TP_TOKEN_AXIS', `a reshape to [${wanted.join(',')}] mixes tokens with another axis`, node)
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
  if (stale.length > 0) {
    const wanted = Array.from({ length: rank }, (_, axis): ShapeEntry => {
      const dim = stale.includes(axis) ? 1 : target(axis)
      return typeof dim === 'number' ? dim : { given: axis - rank + value.length }
    })
    replace(flow, node, inputs, 1, flow.shape(wanted, node.input[0] as string, node, inputs))
  }
  const axes = data.dims.flatMap((dim, axis) =>
    dim !== 1 && !counts(flow, dim) && counts(flow, target(axis + rank - data.rank)) ? [axis] : [],
  )
  const [first] = axes
  if (first !== undefined) {
    const skipped = rowsBehind(flow, target(first + rank - data.rank), data.dims[first] as Dim)
    takeOperand(flow, node, inputs, 0, axes, rank, skipped)
  }
  return inputs
}

/** Reads of single elements; along other axes than the tokens' the indices follow like any operand. */
const elements: Repair = (flow, node) => {
  const inputs = inputsOf(flow, node)
  const [data, indices] = inputs as [Tensor, Tensor]
  const axis = positive(attribute(node, 'axis', 0), data.rank)
  if (counts(flow, data.dims[axis] as Dim)) return indexed(flow, node)
  const stale = indices.dims.flatMap((dim, own) =>
    own !== axis && counts(flow, data.dims[own] as Dim) && !counts(flow, dim) ? [own] : [],
  )
  if (stale.length > 0) takeOperand(flow, node, inputs, 1, stale, indices.rank)
  return inputs
}

/** Repeats along other axes than the tokens'. */
const tile: Repair = (flow, node) => {
  const inputs = inputsOf(flow, node)
  const [data, repeats] = inputs as [Tensor, Tensor]
  const apart = data.dims.every((dim, axis) => !counts(flow, dim) || repeats.value?.[axis] === 1)
  return apart ? inputs : refuseOp(node)
}

/** Ops along one axis that may not be the token axis. */
const besideTokens =
  (axisName: string, fallback: number): Repair =>
  (flow, node) => {
    const inputs = inputsOf(flow, node)
    const [data] = inputs as [Tensor]
    const axis = positive(attribute(node, axisName, fallback), data.rank)
    if (counts(flow, data.dims[axis] as Dim)) refuseOp(node)
    return inputs
  }

const repairs: Readonly<Record<string, Repair>> = {
  ...Object.fromEntries([...broadcastingOps].map((name) => [name, elementwise])),
  ...Object.fromEntries([...pointwiseOps, ...fittingOps].map((name) => [name, fits])),
  Min: smaller,
  LayerNormalization: besideTokens('axis', -1),
  SimplifiedLayerNormalization: besideTokens('axis', -1),
  Split: split,
  ArgMax: besideTokens('axis', 0),
  ArgMin: besideTokens('axis', 0),
  MatMul: matmul,
  MatMulInteger: matmul,
  'com.microsoft.FusedMatMul': matmul,
  'com.microsoft.MatMulNBits': lastAxisProduct,
  Gemm: gemm,
  'com.microsoft.FusedGemm': gemm,
  Concat: concat,
  Einsum: (flow, node) => repairEinsum(flow, node, inputsOf(flow, node)),
  Gather: gather,
  GatherND: indexed,
  GatherElements: elements,
  Slice: slice,
  Range: range,
  Reshape: reshape,
  Expand: expand,
  Tile: tile,
  ConstantOfShape: filled,
}

function refuseOp(node: NodeProto): never {
  throw new Refused(
    'TP_UNSUPPORTED_OP',
    `the operator ${node.opType} works along the tokens, so none may leave before it`,
    node,
  )
}

/** An integer attribute of a node. */
function attribute(node: NodeProto, name: string, fallback: number): number {
  const found = node.attribute.find((candidate) => candidate.name === name)
  return found === undefined ? fallback : Number(found.i)
}

function positive(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis
}

function sameDims(a: readonly Dim[], b: readonly Dim[]): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i])
}
