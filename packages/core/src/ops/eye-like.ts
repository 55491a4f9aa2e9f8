import type { DType } from '../array.ts'
import type { Op } from '../expression/tensor.ts'
import { ShapeProblem } from '../expression/tensor.ts'
import { codeOf, dtypeOf } from './cast.ts'
import { at } from './kernels.ts'
import { intOf, operand, textOf } from './operands.ts'
import { dimsOf } from './sizes.ts'

/** 1 on the diagonal `k` of a matrix of the same shape, and 0 elsewhere. */
export const EyeLike: Op = {
  name: 'EyeLike',
  since: 9,
  infer(inputs, attributes) {
    const x = operand(inputs, 0)
    const dims = dimsOf(x)
    if (dims !== undefined && dims.length !== 2) throw new ShapeProblem(`takes matrices, not ${dims.length} axes`)
    return [{ dtype: textOf(attributes, 'dtype', x.dtype) as DType, dims }]
  },
  run(inputs, attributes, context) {
    const x = at(inputs, 0)
    const [rows, columns] = x.dims as [number, number]
    const k = intOf(attributes, 'k', 0)
    const result = context.zeros(textOf(attributes, 'dtype', x.dtype) as DType, x.dims)
    for (let row = Math.max(0, -k); row < rows && row + k < columns; row++) result.data[row * columns + row + k] = 1
    return [result]
  },
  write: ({ inputs, attributes: { k, dtype } }) => ({
    type: 'EyeLike',
    inputs,
    attributes: { k, ...(dtype !== undefined && { dtype: codeOf(dtype as DType) }) },
  }),
  read({ inputs, attributes }) {
    const dtype = typeof attributes.dtype === 'number' ? dtypeOf(attributes.dtype) : inputs[0]?.dtype
    return dtype === undefined ? undefined : { inputs, attributes: { k: intOf(attributes, 'k', 0), dtype } }
  },
}
