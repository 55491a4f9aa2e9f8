import { type Dim, substituteDim, type Tensor } from '@tp/core'
import type { NodeProto } from '@tp/onnx'
import { counts, type Flow } from './flow.ts'
import { broadcastingOps, fittingOps, operatorName, pointwiseOps } from './operators.ts'
import type { Named } from './program.ts'
import { Refused } from './refusal.ts'
import { reshapedDims, shapeEntries } from './reshape-axes.ts'

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

function alignOperand(flow: Flow, node: NodeProto, inputs: Inputs, i: number, rank: number): void {
  const operand = inputs[i]
  if (operand === undefined) return
  const axes: number[] = []
  for (const [axis, dim] of operand.dims.entries()) {
    if (dim === 1 || counts(flow, dim)) continue
    const place = axis + rank - operand.rank
    const partner = inputs.map((x) => x?.dims[place - rank + x.rank]).find((d) => d !== undefined && counts(flow, d))
    if (partner === undefined) continue
    if (partner !== flow.count)
      throw new Refused(
        'TP_TOKEN_AXIS',
        `an axis that holds tokens and something else (${partner}) meets a value that does not follow the tokens`,
        node,
      )
    axes.push(axis)
  }
  if (axes.length > 0) takeOperand(flow, node, inputs, i, axes, rank)
}

function takeOperand(
  flow: Flow,
  node: NodeProto,
  inputs: Inputs,
  i: number,
  axes: readonly number[],
  rank: number,
): void {
  const name = node.input[i] as string
  if (flow.edits && flow.changed.has(name)) {
    throw new Refused('TP_TOKEN_AXIS', `a value follows the tokens along one axis and not along another`, node)
  }
  replace(flow, node, inputs, i, flow.take(name, axes, rank, node))
}

function replace(flow: Flow, node: NodeProto, inputs: Inputs, i: number, by: Named): void {
  flow.rewire(node, i, by.name)
  inputs[i] = by.tensor
}

const matmul: Repair = (flow, node) => {
  const inputs = inputsOf(flow, node)
  const [a, b] = inputs as [Tensor, Tensor]
  const inner = [a.dims[a.rank - 1] as Dim, b.dims[Math.max(0, b.rank - 2)] as Dim]
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
      takeOperand(flow, node, inputs, i, [axis], rank)
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
  if (inputs.some((x) => x !== undefined && counts(flow, x.dims[axis] as Dim))) {
    throw new Refused('TP_TOKEN_CONCAT', 'tokens are joined with others after the place where some have left', node)
  }
  for (let i = 0; i < inputs.length; i++) alignOperand(flow, node, inputs, i, rank)
  return inputs
}

const gather: Repair = (flow, node) => {
  const inputs = inputsOf(flow, node)
  const [data, indices] = inputs as [Tensor, Tensor]
  const axis = positive(attribute(node, 'axis', 0), data.rank)
  if (!counts(flow, data.dims[axis] as Dim)) return inputs
  const { value } = indices
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
  flow.reads(last + 1, node, true)
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
  // Counted from the end, as many tokens as there are: all of them.
  const start = starts.value?.[0] === `-${flow.count}` ? 0 : starts.value?.[0]
  const end = ends.value?.[0]
  if (typeof start !== 'number' || start < 0) return refuseTokenSlice(node)
  if (typeof end === 'number' && end >= 0 && end < END && end !== flow.before) {
    flow.reads(end, node, end - start === 1)
    return inputs
  }
  const toEnd = end === flow.count || end === flow.before || (typeof end === 'number' && end >= END)
  if (!toEnd) return refuseTokenSlice(node)
  if (start > 0) flow.reads(start, node, false)
  if (end === flow.before) {
    replace(flow, node, inputs, 2, flow.shape([END], node.input[0] as string, node))
  }
  return inputs
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
  const [data] = inputs as [Tensor, Tensor]
  const name = node.output[0] as string
  // What the node read before; a reader of the cut itself reads another value by now.
  const from = data.dims.map((dim) => substituteDim(dim, { [flow.count]: flow.before }))
  const wanted = reshapedDims(flow, node, from, flow.program.tensor(name).dims, data.dims)
  const [now] = flow.program.infer(node, inputs)
  if (now?.hasShape && sameDims(now.dims, wanted)) return inputs
  const entries = shapeEntries(data.dims, wanted)
  if (entries === undefined)
    throw new Refused('TP_TOKEN_AXIS', `a reshape to [${wanted.join(',')}] mixes tokens with another axis`, node)
  if (entries.includes(0)) flow.letZerosCopy(node)
  replace(flow, node, inputs, 1, flow.shape(entries, node.input[0] as string, node))
  return inputs
}

const expand: Repair = (flow, node) => {
  const inputs = inputsOf(flow, node)
  const [data, shape] = inputs as [Tensor, Tensor]
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
    const wanted = Array.from({ length: rank }, (_, axis) => (stale.includes(axis) ? 1 : target(axis)))
    if (!wanted.every((dim) => typeof dim === 'number')) {
      throw new Refused('TP_SHAPE', 'a value is expanded to a shape that mixes old and new numbers of tokens', node)
    }
    replace(flow, node, inputs, 1, flow.shape(wanted as number[], node.input[0] as string, node))
  }
  const axes = data.dims.flatMap((dim, axis) =>
    dim !== 1 && !counts(flow, dim) && counts(flow, target(axis + rank - data.rank)) ? [axis] : [],
  )
  if (axes.length > 0) takeOperand(flow, node, inputs, 0, axes, rank)
  return inputs
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
  LayerNormalization: besideTokens('axis', -1),
  SimplifiedLayerNormalization: besideTokens('axis', -1),
  Split: besideTokens('axis', 0),
  ArgMax: besideTokens('axis', 0),
  ArgMin: besideTokens('axis', 0),
  MatMul: matmul,
  MatMulInteger: matmul,
  'com.microsoft.FusedMatMul': matmul,
  'com.microsoft.MatMulNBits': lastAxisProduct,
  Gemm: gemm,
  'com.microsoft.FusedGemm': gemm,
  Concat: concat,
  Gather: gather,
  Slice: slice,
  Range: range,
  Reshape: reshape,
  Expand: expand,
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
