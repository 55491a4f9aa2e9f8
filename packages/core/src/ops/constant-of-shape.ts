import { sizeOf } from '../array.ts'
import { applyOne, MOST_ELEMENTS } from '../expression/apply.ts'
import type { Dim } from '../expression/dim.ts'
import type { Attributes, ConstantData, Op, Tensor } from '../expression/tensor.ts'
import { at, numbers } from './kernels.ts'
import { isFloat, mustBe, operand } from './operands.ts'
import { sizesOf } from './reshape.ts'
import { shapeIn, staticDims } from './sizes.ts'

/** One element repeated over a shape that is an input. */
export const ConstantOfShape: Op = {
  name: 'ConstantOfShape',
  since: 9,
  infer(inputs, attributes) {
    const target = operand(inputs, 0)
    mustBe('int64', target)
    const { dtype, data } = elementOf(attributes)
    const dims = shapeIn(target)
    const size = staticDims(dims)?.reduce((a, b) => a * b, 1)
    const small = size !== undefined && size <= MOST_ELEMENTS && !isFloat(dtype)
    const value = small ? Array.from({ length: size }, () => data[0] as Dim) : undefined
    return [{ dtype, dims, value }]
  },
  run(inputs, attributes, context) {
    const { dtype, data } = elementOf(attributes)
    const result = context.zeros(dtype, numbers(at(inputs, 0)))
    result.data.fill(data[0] as number)
    return [result]
  },
}

function elementOf({ value }: Attributes): ConstantData {
  if (typeof value === 'object' && 'dtype' in value && sizeOf(value.dims) === 1) return value
  return { dtype: 'float32', dims: [1], data: Float32Array.of(0) }
}

/** `value` repeated over a shape: numbers, int64 scalars, or named sizes of `like`. */
export function fill(
  value: number,
  dtype: ConstantData['dtype'],
  dims: Tensor | readonly (Dim | Tensor)[],
  like?: Tensor,
): Tensor {
  const target = Array.isArray(dims) ? sizesOf(dims, like ?? (dims[0] as Tensor)) : (dims as Tensor)
  return applyOne(ConstantOfShape, [target], { value: { dtype, dims: [1], data: Float64Array.of(value) } })
}
