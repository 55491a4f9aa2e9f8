import type { DType } from '../array.ts'
import { applyOne } from '../expression/apply.ts'
import type { Dim } from '../expression/dim.ts'
import { isPositive, isUnknown, unknownDim } from '../expression/dim.ts'
import type { Op } from '../expression/tensor.ts'
import { ShapeProblem, type Tensor } from '../expression/tensor.ts'
import { at, mapped } from './kernels.ts'
import { isFloat, operand, textOf } from './operands.ts'
import { dimsOf } from './sizes.ts'

// TensorProto.DataType of onnx.proto
const codes: Readonly<Record<DType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
}
const types = new Map(Object.entries(codes).map(([type, code]) => [code, type as DType]))

/** The number that ONNX files have for an element type. */
export function codeOf(dtype: DType): number {
  return codes[dtype]
}

/** Element type of ONNX's number for it; undefined for types that the toolkit does not know (bfloat16, 4 bit …). */
export function dtypeOf(code: number): DType | undefined {
  return types.get(code)
}

/** Other element type; floats to integers drop the fraction, integers wrap, booleans are 0 and 1. */
export const Cast: Op = {
  name: 'Cast',
  infer(inputs, attributes) {
    const x = operand(inputs, 0)
    const dtype = textOf(attributes, 'to', '') as DType
    if (!(dtype in codes)) throw new ShapeProblem(`has no type to cast to`)
    const value = isFloat(dtype) ? undefined : dtype === 'bool' ? x.value?.map(truth) : x.value
    return [{ dtype, dims: dimsOf(x), value }]
  },
  run(inputs, attributes, context) {
    const dtype = textOf(attributes, 'to', '') as DType
    return [mapped(at(inputs, 0), dtype, converter(dtype), context)]
  },
  write: ({ inputs, attributes }) => ({
    type: 'Cast',
    inputs,
    attributes: { to: codeOf(attributes.to as DType) },
  }),
  read({ inputs, attributes }) {
    const to = typeof attributes.to === 'number' ? dtypeOf(attributes.to) : undefined
    return to === undefined || to === 'string' ? undefined : { inputs: inputs.slice(0, 1), attributes: { to } }
  },
}

/** The first operand in the element type of the second. */
export const CastLike: Op = {
  name: 'CastLike',
  since: 15,
  infer(inputs) {
    const x = operand(inputs, 0)
    return Cast.infer([x], { to: operand(inputs, 1).dtype })
  },
  run: (inputs, _, context) => Cast.run([at(inputs, 0)], { to: at(inputs, 1).dtype }, context),
}

function truth(element: Dim): Dim {
  if (typeof element === 'number') return element === 0 ? 0 : 1
  return !isUnknown(element) && isPositive(element) ? 1 : unknownDim()
}

function converter(dtype: DType): (x: number) => number {
  if (isFloat(dtype)) return (x) => x
  if (dtype === 'bool') return (x) => (x === 0 ? 0 : 1)
  const bits = Number(dtype.replace(/\D/g, ''))
  if (bits > 32) return (x) => (Number.isNaN(x) ? 0 : Math.trunc(x))
  const range = 2 ** bits
  const top = dtype.startsWith('u') ? range : range / 2
  return (x) => {
    const wrapped = ((Math.trunc(x) % range) + range) % range
    return wrapped >= top ? wrapped - range : wrapped
  }
}

/** The same numbers as another element type; nothing is done if they have it already. */
export function cast(x: Tensor, to: DType): Tensor {
  return x.dtype === to ? x : applyOne(Cast, [x], { to })
}
