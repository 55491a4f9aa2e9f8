import { applyOne } from '../expression/apply.ts'
import type { Op } from '../expression/tensor.ts'
import { axisOf, ShapeProblem, type Tensor } from '../expression/tensor.ts'
import { constant } from './constant.ts'
import { at } from './kernels.ts'
import { frontAxis, intOf, numbersOf, operand } from './operands.ts'
import { dimsOf } from './sizes.ts'
import { around } from './strides.ts'

/** Sum of the elements up to each one along an axis; `exclusive`: without itself, `reverse`: from the end. */
export const CumSum: Op = {
  name: 'CumSum',
  since: 11,
  infer(inputs, attributes) {
    const x = operand(inputs, 0)
    if (x.dtype === 'bool') throw new ShapeProblem('does not take bool')
    if (x.hasShape) frontAxis(intOf(attributes, 'axis', 0), x.rank)
    return [{ dtype: x.dtype, dims: dimsOf(x) }]
  },
  run(inputs, attributes, context) {
    const x = at(inputs, 0)
    const { outer, size, inner } = around(x.dims, frontAxis(intOf(attributes, 'axis', 0), x.dims.length))
    const exclusive = intOf(attributes, 'exclusive', 0) === 1
    const reverse = intOf(attributes, 'reverse', 0) === 1
    const result = context.zeros(x.dtype, x.dims)
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++) {
        let sum = 0
        for (let j = 0; j < size; j++) {
          const position = (o * size + (reverse ? size - 1 - j : j)) * inner + i
          const element = x.data[position] as number
          result.data[position] = exclusive ? sum : sum + element
          // what a runtime carries along has the element type's precision
          sum = exclusive ? sum + element : (result.data[position] as number)
        }
      }
    }
    return [result]
  },
  write: ({ inputs: [x], attributes: { axis, exclusive, reverse } }) => ({
    type: 'CumSum',
    inputs: [x, constant(axis as number, 'int64')],
    attributes: { exclusive, reverse },
  }),
  read({ inputs: [x, list], attributes }) {
    const axis = numbersOf(list)?.[0]
    if (x === undefined || axis === undefined) return undefined
    return {
      inputs: [x],
      attributes: {
        axis: x.hasShape ? frontAxis(axis, x.rank) : axis,
        exclusive: intOf(attributes, 'exclusive', 0),
        reverse: intOf(attributes, 'reverse', 0),
      },
    }
  },
}

/** Sum of the elements up to each one along an axis. */
export function cumSum(
  x: Tensor,
  axis: number | string,
  { exclusive = false, reverse = false }: { readonly exclusive?: boolean; readonly reverse?: boolean } = {},
): Tensor {
  return applyOne(CumSum, [x], { axis: axisOf(x, axis), exclusive: exclusive ? 1 : 0, reverse: reverse ? 1 : 0 })
}
