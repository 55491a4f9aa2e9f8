import { applyOne } from '../expression/apply.ts'
import type { Op, Tensor } from '../expression/tensor.ts'
import { add, lessOrEqual } from './binary.ts'
import { constant } from './constant.ts'
import { at } from './kernels.ts'
import { intOf, numbersOf, operand } from './operands.ts'
import { range } from './range.ts'
import { axisSize } from './shape.ts'
import { dimsOf } from './sizes.ts'
import { squeeze, unsqueeze } from './squeeze.ts'
import { where } from './where.ts'

/** Upper (`upper` 1) or lower triangle of matrices, from the diagonal `k`; the rest is 0. */
export const Trilu: Op = {
  name: 'Trilu',
  since: 14,
  infer(inputs) {
    const x = operand(inputs, 0)
    return [{ dtype: x.dtype, dims: dimsOf(x) }]
  },
  run(inputs, attributes, context) {
    const x = at(inputs, 0)
    const [rows, columns] = x.dims.slice(-2) as [number, number]
    const k = intOf(attributes, 'k', 0)
    const upper = intOf(attributes, 'upper', 1) === 1
    const result = context.zeros(x.dtype, x.dims)
    for (let i = 0; i < x.data.length; i++) {
      const distance = (i % columns) - (Math.floor(i / columns) % rows) - k
      if (upper ? distance >= 0 : distance <= 0) result.data[i] = x.data[i] as number
    }
    return [result]
  },
  write: ({ inputs: [x], attributes: { upper, k } }) => ({
    type: 'Trilu',
    inputs: k === 0 ? [x] : [x, constant(k as number, 'int64')],
    attributes: { upper },
  }),
  expand({ inputs: [x], attributes }, opset) {
    if (opset >= 14 || x === undefined) return undefined
    const count = (axis: number): Tensor => range(0, squeeze(axisSize(x, axis), 0), 1)
    const row = add(unsqueeze(count(-2), 1), intOf(attributes, 'k', 0))
    const column = count(-1)
    const inside = intOf(attributes, 'upper', 1) === 1 ? lessOrEqual(row, column) : lessOrEqual(column, row)
    return [where(inside, x, 0)]
  },
  read({ inputs: [x, k], attributes }) {
    const diagonal = k === undefined ? 0 : numbersOf(k)?.[0]
    if (x === undefined || diagonal === undefined) return undefined
    return { inputs: [x], attributes: { upper: intOf(attributes, 'upper', 1), k: diagonal } }
  },
}

/** Upper or lower triangle of matrices; the rest is 0. */
export function triangle(x: Tensor, part: 'upper' | 'lower', k = 0): Tensor {
  return applyOne(Trilu, [x], { upper: part === 'upper' ? 1 : 0, k })
}
