import { applyOne } from '../expression/apply.ts'
import type { Dim } from '../expression/dim.ts'
import type { KernelContext, Op, Value } from '../expression/tensor.ts'
import { type Attributes, ShapeProblem, type Tensor } from '../expression/tensor.ts'
import { at, combined, type KernelInputs, mapped, picked } from './kernels.ts'
import { multiply } from './matmul.ts'
import { intOf, type OpInputs, operand, sameType } from './operands.ts'
import { broadcastDims, dimsOf, sameDim } from './sizes.ts'
import { stridesOf, walk } from './strides.ts'

/** alpha · A′B′ + beta · C of matrices, A′ and B′ transposed where transA, transB are 1; C broadcasts. */
export const Gemm: Op = {
  name: 'Gemm',
  infer: (inputs, attributes) => [inferGemm(inputs, attributes)],
  run: (inputs, attributes, context) => [runGemm(inputs, attributes, context)],
  read: ({ inputs, attributes }) => ({
    inputs: inputs.filter((x) => x !== undefined),
    attributes: gemmAttributes(attributes),
  }),
}

function gemmAttributes(attributes: Attributes): Attributes {
  return {
    alpha: intOf(attributes, 'alpha', 1),
    beta: intOf(attributes, 'beta', 1),
    transA: intOf(attributes, 'transA', 0),
    transB: intOf(attributes, 'transB', 0),
  }
}

export function inferGemm(
  inputs: OpInputs,
  attributes: Attributes,
): { dtype: Value['dtype']; dims: Dim[] | undefined } {
  const a = operand(inputs, 0)
  const b = operand(inputs, 1)
  const c = inputs[2]
  const dtype = sameType(a, b, ...(c === undefined ? [] : [c]))
  const left = matrix(dimsOf(a), intOf(attributes, 'transA', 0))
  const right = matrix(dimsOf(b), intOf(attributes, 'transB', 0))
  if (left === undefined || right === undefined) return { dtype, dims: undefined }
  sameDim(left[1], right[0])
  const dims = [left[0], right[1]]
  if (c?.hasShape) broadcastDims(dims, c.dims)
  return { dtype, dims }
}

function matrix(dims: readonly Dim[] | undefined, transposed: number): readonly [Dim, Dim] | undefined {
  if (dims === undefined) return undefined
  const [rows, columns] = dims
  if (rows === undefined || columns === undefined || dims.length !== 2) {
    throw new ShapeProblem(`takes matrices, not ${dims.length} axes`)
  }
  return transposed === 1 ? [columns, rows] : [rows, columns]
}

export function runGemm(inputs: KernelInputs, attributes: Attributes, context: KernelContext): Value {
  const alpha = intOf(attributes, 'alpha', 1)
  const beta = intOf(attributes, 'beta', 1)
  const a = intOf(attributes, 'transA', 0) === 1 ? swapped(at(inputs, 0), context) : at(inputs, 0)
  const b = intOf(attributes, 'transB', 0) === 1 ? swapped(at(inputs, 1), context) : at(inputs, 1)
  const product = multiply(a, b, context)
  const scaled = alpha === 1 ? product : mapped(product, product.dtype, (x) => alpha * x, context)
  const c = inputs[2]
  return c === undefined ? scaled : combined(scaled, c, scaled.dtype, (x, bias) => x + beta * bias, context)
}

/** The last two axes exchanged. */
function swapped(x: Value, context: KernelContext): Value {
  const order = <T>(list: readonly T[]): T[] => [...list.slice(0, -2), list.at(-1) as T, list.at(-2) as T]
  const dims = order(x.dims)
  return picked(x, dims, walk(dims, order(stridesOf(x.dims))), context)
}

/** x · W (+ bias); W is [out, in] if `transposed`. */
export function gemm(x: Tensor, weight: Tensor, bias?: Tensor, transposed = false): Tensor {
  const attributes = { alpha: 1, beta: 1, transA: 0, transB: transposed ? 1 : 0 }
  return applyOne(Gemm, bias === undefined ? [x, weight] : [x, weight, bias], attributes)
}
