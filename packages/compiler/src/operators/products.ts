import type { Dim, Tensor } from '@tp/core'
import type { NodeProto } from '@tp/onnx'
import { Refused } from '../program/refusal.ts'
import { counts, type Flow } from './flow.ts'
import { type Inputs, inputsOf, type Repair, refuseOp } from './node-inputs.ts'
import { rowsBehind, takeOperand } from './operands.ts'

export const matmul: Repair = (flow, node) => {
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
      takeOperand(flow, node, inputs, i, [axis], rank, rowsBehind(flow, partner, own))
    }
  }
  return inputs
}

/** A product of the last axis with weights that are packed in some way. */
export const lastAxisProduct: Repair = (flow, node) => {
  const inputs = inputsOf(flow, node)
  const [data, ...others] = inputs
  if (data === undefined || counts(flow, data.dims.at(-1) as Dim)) return refuseOp(node)
  if (others.some((x) => x?.dims.some((dim) => counts(flow, dim)))) return refuseOp(node)
  return inputs
}

export const gemm: Repair = (flow, node) => {
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

/** In a sum over the tokens, weights that are made from a mask belong to the tokens; constants belong to their places. */
function alignWeights(flow: Flow, node: NodeProto, inputs: Inputs): void {
  const axes = innerAxes(inputs)
  const follows = axes.map((axis, i) => counts(flow, inputs[i]?.dims[axis] as Dim))
  const stale = follows.indexOf(false)
  if (follows[0] === follows[1] || !flow.program.dependsOnInputs(node.input[stale] as string)) return
  const rank = inputs.reduce((most, x) => Math.max(most, x?.rank ?? 0), 0)
  takeOperand(flow, node, inputs, stale, [axes[stale] as number], rank)
}

/** A sum over the tokens with one weight for each place. */
function refuseMixing(node: NodeProto): never {
  throw new Refused(
    'TP_TOKEN_MIXING',
    'a product sums over the tokens with fixed weights (one for each place), so none may leave',
    node,
  )
}
