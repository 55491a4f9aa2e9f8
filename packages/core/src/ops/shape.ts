import { sizeOf } from '../array.ts'
import { applyOne } from '../expression/apply.ts'
import { unknownDim } from '../expression/dim.ts'
import type { Op } from '../expression/tensor.ts'
import { axisOf, type Tensor } from '../expression/tensor.ts'
import { at } from './kernels.ts'
import { intOf, operand } from './operands.ts'
import { dimsOf, product } from './sizes.ts'
import { slice } from './slice.ts'

/** The sizes of axes `start` to `end` as an int64 list. */
export const Shape: Op = {
  name: 'Shape',
  infer(inputs, attributes) {
    const dims = dimsOf(operand(inputs, 0))
    if (dims === undefined) return [{ dtype: 'int64', dims: [unknownDim()] }]
    const value = dims.slice(intOf(attributes, 'start', 0), attributes.end as number | undefined)
    return [{ dtype: 'int64', dims: [value.length], value }]
  },
  run(inputs, attributes, context) {
    const dims = at(inputs, 0).dims.slice(intOf(attributes, 'start', 0), attributes.end as number | undefined)
    const result = context.zeros('int64', [dims.length])
    result.data.set(dims)
    return [result]
  },
  write: ({ inputs, attributes: { start, end } }) => ({
    type: 'Shape',
    inputs,
    attributes: { ...(start === undefined || start === 0 ? {} : { start }), ...(end === undefined ? {} : { end }) },
  }),
  expand({ inputs, attributes: { start, end } }, opset) {
    if (opset >= 15 || ((start === undefined || start === 0) && end === undefined)) return undefined
    const whole = applyOne(Shape, inputs)
    return [
      slice(whole, {
        axis: 0,
        start: (start as number | undefined) ?? 0,
        end: (end as number | undefined) ?? 2 ** 31 - 1,
      }),
    ]
  },
  read: ({ inputs, attributes: { start, end } }) => ({ inputs, attributes: { start, end } }),
}

/** The number of elements, an int64 scalar. */
export const Size: Op = {
  name: 'Size',
  infer(inputs) {
    const dims = dimsOf(operand(inputs, 0))
    return [{ dtype: 'int64', dims: [], value: dims && [product(dims)] }]
  },
  run(inputs, _, context) {
    const result = context.zeros('int64', [])
    result.data[0] = sizeOf(at(inputs, 0).dims)
    return [result]
  },
}

/** Sizes of axes `start` (0) to `end` (all) as an int64 list. */
export function shape(x: Tensor, range: { readonly start?: number; readonly end?: number } = {}): Tensor {
  return applyOne(Shape, [x], { start: range.start, end: range.end })
}

/** The size of one axis as an int64 list of one. */
export function axisSize(x: Tensor, axis: number | string): Tensor {
  const position = axisOf(x, axis)
  return shape(x, { start: position, end: position + 1 })
}

/** The number of elements, an int64 scalar. */
export function elementCount(x: Tensor): Tensor {
  return applyOne(Size, [x])
}
