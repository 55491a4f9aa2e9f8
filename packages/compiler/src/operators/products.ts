import type { Tensor } from '@tp/core'
import { type Dim, isUnknown, mulDims } from '@tp/core/expression'
import type { NodeProto } from '@tp/onnx'
import { Refused } from '../program/refusal.ts'
import { aligned } from './elementwise.ts'
import { counts } from './flow.ts'
import { fusedMatMul } from './fused/fused-matmul.ts'
import { inputsOf, refuseOp } from './node-inputs.ts'
import { skippedBy, takeOperand } from './operands.ts'
import type { Flow, Inputs, Operator, OperatorEntries, PackRule, Repair, RowRule, UpstreamRule } from './operator.ts'

const matmul: Repair = (flow, node) => {
  const inputs = inputsOf(flow, node)
  alignWeights(flow, node, inputs)
  const [a, b] = inputs as [Tensor, Tensor]
  const inner = innerAxes(inputs).map((axis, i) => inputs[i]?.dims[axis])
  if (counts(flow, inner[0] as Dim) !== counts(flow, inner[1] as Dim)) return refuseMixing(node)
  // Leading axes broadcast like those of elementwise ops; the last two belong to the product.
  const rank = Math.max(a.rank, b.rank)
  for (const [i, operand] of [a, b].entries()) {
    const other = i === 0 ? b : a
    for (let axis = 0; axis < operand.rank - 2; axis++) {
      const partner = other.dims[axis + other.rank - operand.rank]
      const own = operand.dims[axis] as Dim
      if (partner === undefined || own === 1 || counts(flow, own) || !counts(flow, partner)) continue
      takeOperand(flow, node, inputs, i, [axis], rank, skippedBy(flow, partner, own))
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
  if (counts(flow, inner)) return refuseMixing(node)
  return inputs
}

/** The axis of each operand that a product sums over. */
function innerAxes(inputs: Inputs): [number, number] {
  const [a, b] = inputs as [Tensor, Tensor]
  return [a.rank - 1, Math.max(0, b.rank - 2)]
}

/** In a sum over the tokens, weights that are made from a mask belong to the tokens; constants belong to their positions. */
function alignWeights(flow: Flow, node: NodeProto, inputs: Inputs): void {
  const axes = innerAxes(inputs)
  const follows = axes.map((axis, i) => counts(flow, inputs[i]?.dims[axis] as Dim))
  const stale = follows.indexOf(false)
  if (follows[0] === follows[1] || !flow.program.dependsOnInputs(node.input[stale] as string)) return
  const rank = inputs.reduce((most, x) => Math.max(most, x?.rank ?? 0), 0)
  takeOperand(flow, node, inputs, stale, [axes[stale] as number], rank)
}

/** A sum over the tokens with one weight for each position. */
function refuseMixing(node: NodeProto): never {
  throw new Refused(
    'TP_TOKEN_MIXING',
    'a product sums over the tokens with fixed weights (one for each position), so none can be pruned',
    node,
  )
}

const matmulRows: RowRule = (view, axis) => {
  const [a, b] = view.inputs as [Tensor, Tensor]
  const { rank } = view.output
  if (axis === rank - 2) return [a.rank - 2, b.dims.some(view.isTokens) ? 'all' : undefined]
  // A query that is the same whatever tokens there are has a score for each of them.
  if (axis === rank - 1) return a.dims.some(view.isTokens) ? ['all', 'all'] : [undefined, b.rank - 1]
  return [aligned(view, a, axis), aligned(view, b, axis)]
}

/** The weights have the last axis of the result. */
const matmulUpstream: UpstreamRule = ({ inputs, output }, axes) =>
  axes.length === 1 && axes[0] === output.rank - 1 ? [{ index: 1, axes: [(inputs[1] as Tensor).rank - 1] }] : undefined

const gemmRows: RowRule = (_, axis) => [axis === 0 ? 0 : 'all', undefined, undefined]

/** Each token's product with a matrix of weights is its own. */
const packs: PackRule = ({ node, input, others: [weights], tokens }) => {
  const isTransposed = node.attribute.some(({ name, i }) => name.startsWith('transA') && i !== 0n)
  const isMatrix = weights?.hasShape === true && weights.dims.slice(0, -2).every((dim) => dim === 1)
  return !isTransposed && isMatrix && tokens < input.rank - 1
}

/** Elements of the result × size of the axis that is summed over. */
const matmulFlops = (output: Tensor): Dim => {
  const { inputs, attributes } = output.node
  const [a, b] = inputs as [Tensor, Tensor]
  const size = a.dims.at(attributes.transA === 1 ? -2 : -1) as Dim
  // From the operand of which it is known.
  return mulDims(elementsOf(output), isUnknown(size) ? (b.dims.at(attributes.transB === 1 ? -1 : -2) ?? size) : size)
}

const gemmFlops = (output: Tensor): Dim => {
  const { inputs, attributes } = output.node
  return mulDims(elementsOf(output), inputs[0]?.dims[attributes.transA === 1 ? 0 : 1] as Dim)
}

const convolutionFlops = (output: Tensor): Dim => {
  const [, weights] = output.node.inputs as [Tensor, Tensor]
  return mulDims(elementsOf(output), weights.dims.slice(1).reduce<Dim>(mulDims, 1))
}

function elementsOf({ dims }: Tensor): Dim {
  return dims.reduce<Dim>(mulDims, 1)
}

/** True if a convolution takes the elements along a spatial axis one by one. */
function isPointwise(node: NodeProto, weights: Tensor | undefined, axis: number): boolean {
  const ints = (name: string): readonly bigint[] => node.attribute.find((own) => own.name === name)?.ints ?? []
  const [spatial, all] = [axis - 2, (weights?.rank ?? 2) - 2]
  const pads = ints('pads')
  const isPadded = (pads[spatial] ?? 0n) !== 0n || (pads[spatial + all] ?? 0n) !== 0n
  return weights?.dims[axis] === 1 && (ints('strides')[spatial] ?? 1n) === 1n && !isPadded
}

/** Tokens in a row pass through a convolution that takes each by itself, as SqueezeBERT's products with weights do. */
const convolution: Repair = (flow, node) => {
  const inputs = inputsOf(flow, node)
  const [data, weights] = inputs
  const axis = data?.dims.findIndex((dim) => counts(flow, dim)) ?? -1
  if (axis < 0) return inputs
  if (axis === 1) return refuseMixing(node)
  if (isPointwise(node, weights, axis)) return inputs
  const kernel = weights?.dims[axis]
  const neighbors = typeof kernel === 'number' && kernel > 1 ? `${kernel} neighboring tokens` : 'neighboring tokens'
  throw new Refused(
    'TP_UNSUPPORTED_OP',
    `a convolution mixes ${neighbors}, so that a pruned token would change those next to it`,
    node,
  )
}

const convolutionRows: RowRule = ({ node, inputs }, axis) =>
  inputs.map((_, i) => {
    if (i > 0) return axis === 1 ? 0 : undefined
    return axis === 0 || (axis > 1 && isPointwise(node, inputs[1], axis)) ? axis : 'all'
  })

const product: Operator = { traits: ['product'], rows: matmulRows, repair: matmul, packs, multiplyAdds: matmulFlops }
const affine: Operator = { traits: ['product'], rows: gemmRows, repair: gemm, packs, multiplyAdds: gemmFlops }

/** Products, and what else multiplies and adds. */
export const products: OperatorEntries = {
  MatMul: { ...product, upstream: matmulUpstream, zeroFrom: 'first' },
  MatMulInteger: { ...product, traits: ['product', 'quantized'] },
  'com.microsoft.FusedMatMul': { ...product, zeroFrom: 'first', meaning: fusedMatMul },
  Gemm: affine,
  'com.microsoft.FusedGemm': { ...affine, traits: ['product', 'activation'] },
  'com.microsoft.MatMulNBits': {
    traits: ['product', 'quantized'],
    rows: ({ output }, axis) => [axis === output.rank - 1 ? 'all' : axis],
    repair: lastAxisProduct,
    packs,
    multiplyAdds: (output) => mulDims(elementsOf(output), output.node.attributes.K as number),
  },
  Conv: { traits: ['convolution', 'grid'], rows: convolutionRows, repair: convolution, multiplyAdds: convolutionFlops },
  ConvInteger: { traits: ['convolution', 'grid', 'quantized'], multiplyAdds: convolutionFlops },
}

/** The rules for packed tokens of fused products that are written out. */
export const productPacks: PackRule = packs
