import { unknownDim } from '../expression/dim.ts'
import type { Op } from '../expression/tensor.ts'
import { at } from './kernels.ts'
import { operand } from './operands.ts'
import { stridesOf } from './strides.ts'

/** Coordinates of the elements that are not 0, one column each: [rank, count]. */
export const NonZero: Op = {
  name: 'NonZero',
  since: 9,
  infer(inputs) {
    const x = operand(inputs, 0)
    return [{ dtype: 'int64', dims: [x.hasShape ? x.rank : unknownDim(), unknownDim()] }]
  },
  run(inputs, _, context) {
    const x = at(inputs, 0)
    const positions = Array.from(x.data.keys()).filter((i) => x.data[i] !== 0)
    const strides = stridesOf(x.dims)
    const result = context.zeros('int64', [x.dims.length, positions.length])
    x.dims.forEach((dim, axis) => {
      positions.forEach((position, i) => {
        result.data[axis * positions.length + i] = Math.floor(position / (strides[axis] as number)) % dim
      })
    })
    return [result]
  },
}
