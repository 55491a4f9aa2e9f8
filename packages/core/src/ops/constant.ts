import { type DType, sizeOf } from '../array.ts'
import { applyOne, MOST_ELEMENTS } from '../expression/apply.ts'
import type { Op, RawNode } from '../expression/tensor.ts'
import { type Attributes, type ConstantData, ShapeProblem, type Tensor } from '../expression/tensor.ts'
import { isFloat } from './operands.ts'

/** Contents known beforehand: a weight, an axis, a shape. */
export const Constant: Op = {
  name: 'Constant',
  infer(_, attributes) {
    const { dtype, dims } = contentsOf(attributes)
    const small = !isFloat(dtype) && sizeOf(dims) <= MOST_ELEMENTS
    return [{ dtype, dims, value: small ? Array.from(contentsOf(attributes).data) : undefined }]
  },
  run(_, attributes, context) {
    const { dtype, dims, data } = contentsOf(attributes)
    const result = context.zeros(dtype, dims)
    result.data.set(data)
    return [result]
  },
  read(raw) {
    const value = readContents(raw)
    return value === undefined ? undefined : { inputs: [], attributes: { value } }
  },
}

export function contentsOf(attributes: Attributes): ConstantData {
  const { value } = attributes
  if (typeof value !== 'object' || !('dtype' in value)) throw new ShapeProblem('has no contents')
  return value
}

function readContents({ attributes }: RawNode): ConstantData | undefined {
  const { value, value_float, value_floats, value_int, value_ints } = attributes
  if (typeof value === 'object' && 'dtype' in value) return value
  if (typeof value_float === 'number') return { dtype: 'float32', dims: [], data: Float32Array.of(value_float) }
  if (typeof value_int === 'number') return { dtype: 'int64', dims: [], data: Float64Array.of(value_int) }
  const floats = value_floats as readonly number[] | undefined
  if (floats !== undefined) return { dtype: 'float32', dims: [floats.length], data: Float32Array.from(floats) }
  const ints = value_ints as readonly number[] | undefined
  if (ints !== undefined) return { dtype: 'int64', dims: [ints.length], data: Float64Array.from(ints) }
  return undefined
}

/** A constant whose contents are decoded when someone first looks: `read` gives row-major numbers (halves decoded). */
export function constantOf(
  type: { readonly dtype: DType; readonly dims: readonly number[] },
  read: () => Float32Array | Float64Array,
): Tensor {
  let data: Float32Array | Float64Array | undefined
  const value: ConstantData = {
    dtype: type.dtype,
    dims: type.dims,
    get data() {
      data ??= read()
      return data
    },
  }
  return applyOne(Constant, [], { value })
}

/**
 * A constant from plain numbers: a number is a scalar, a list has one axis unless `dims` says otherwise.
 * Default type: float32. Halves are given as numbers, too.
 */
export function constant(
  contents: number | boolean | readonly number[] | Float32Array | Float64Array,
  dtype: DType = 'float32',
  dims?: readonly number[],
): Tensor {
  const list = typeof contents === 'object' ? contents : [Number(contents)]
  const shape = dims ?? (typeof contents === 'object' ? [list.length] : [])
  const data = dtype === 'float32' || dtype === 'float16' ? Float32Array.from(list) : Float64Array.from(list)
  return applyOne(Constant, [], { value: { dtype, dims: shape, data } })
}

/** A tensor, or a number that becomes a scalar constant of the other operand's type. */
export type Operand = Tensor | number

export function asTensor(operand: Operand, like: DType): Tensor {
  return typeof operand === 'number' ? constant(operand, like) : operand
}

/** int64 list, the form in which ONNX takes axes and sizes as inputs. */
export function ints(list: readonly number[]): Tensor {
  return constant(list, 'int64')
}

/** The contents of a constant tensor, or undefined for any other tensor. */
export function constantData(tensor: Tensor | undefined): ConstantData | undefined {
  if (tensor === undefined || tensor.node.op.name !== 'Constant') return undefined
  return contentsOf(tensor.node.attributes)
}
