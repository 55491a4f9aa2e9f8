import type { Dim, Tensor } from '@tp/core'
import type { NodeProto } from '@tp/onnx'
import { Refused } from '../program/refusal.ts'
import { repairEinsum } from './einsum.ts'
import { counts } from './flow.ts'
import { attribute, inputsOf, positive, type Repair, refuseOp } from './node-inputs.ts'
import { alignOperand } from './operands.ts'
import { broadcastingOps, fittingOps, operatorName, pointwiseOps } from './operator.ts'
import { gemm, lastAxisProduct, matmul } from './products.ts'
import { expand, filled, reshape, tile } from './reshapes.ts'
import { concat, elements, gather, indexed, range, slice, split } from './token-reads.ts'
import { limitWhole } from './whole-sizes.ts'

/** How each operator is made to fit. An operator that is not here cannot be followed. */
export function repairOf(node: NodeProto): Repair {
  const repair = repairs.get(operatorName(node))
  if (repair === undefined) {
    throw new Refused(
      'TP_UNSUPPORTED_OP',
      `tokens pass through the operator ${node.opType}, for which it is not known how tokens may leave it`,
      node,
    )
  }
  return repair
}

/** Ops whose shape rule alone is right: each token for itself, or all of them together. */
const fits: Repair = (flow, node) => inputsOf(flow, node)

/** Operands are aligned from the last axis; one that still has all tokens is made to follow. */
const elementwise: Repair = (flow, node) => {
  const inputs = inputsOf(flow, node)
  const rank = inputs.reduce((most, x) => Math.max(most, x?.rank ?? 0), 0)
  for (let i = 0; i < inputs.length; i++) alignOperand(flow, node, inputs, i, rank)
  return inputs
}

/** The smaller of values; of the number of tokens and another one, see `limitWhole`. */
const smaller: Repair = (flow, node) => limitWhole(flow, node, inputsOf(flow, node)) ?? elementwise(flow, node)

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

const repairs: ReadonlyMap<string, Repair> = new Map(
  Object.entries<Repair>({
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
  }),
)
