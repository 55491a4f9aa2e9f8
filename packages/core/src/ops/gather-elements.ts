import { applyOne } from '../expression/apply.ts'
import type { Dim } from '../expression/dim.ts'
import type { Op } from '../expression/tensor.ts'
import { axisOf, ShapeProblem, type Tensor } from '../expression/tensor.ts'
import { at } from './kernels.ts'
import { checkedIndex, frontAxis, intOf, mustBeIndex, operand } from './operands.ts'
import { dimsOf, readRows } from './sizes.ts'
import { around, stridesOf, walk } from './strides.ts'

/** One element per index: result[i][j] = x[indices[i][j]][j] for axis 0. Other axes of `indices` may be shorter. */
export const GatherElements: Op = {
  name: 'GatherElements',
  since: 11,
  infer(inputs, attributes) {
    const x = operand(inputs, 0)
    const indices = operand(inputs, 1)
    mustBeIndex(indices)
    if (x.hasShape && indices.hasShape) {
      if (x.rank !== indices.rank) throw new ShapeProblem(`numbers of axes ${x.rank} and ${indices.rank} differ`)
      const axis = frontAxis(intOf(attributes, 'axis', 0), x.rank)
      indices.dims.forEach((count, i) => {
        if (i !== axis) readRows(count, x.dims[i] as Dim)
      })
    }
    return [{ dtype: x.dtype, dims: dimsOf(indices) }]
  },
  run(inputs, attributes, context) {
    const x = at(inputs, 0)
    const indices = at(inputs, 1)
    const result = context.zeros(x.dtype, indices.dims)
    const positions = elementPositions(x.dims, indices, intOf(attributes, 'axis', 0))
    for (let i = 0; i < positions.length; i++) result.data[i] = x.data[positions[i] as number] as number
    return [result]
  },
  read({ inputs, attributes }) {
    const [x] = inputs
    const axis = intOf(attributes, 'axis', 0)
    return x && { inputs, attributes: { axis: x.hasShape ? frontAxis(axis, x.rank) : axis } }
  },
}

/** Where in an array of shape `dims` each index of an elementwise gather or scatter points. */
export function elementPositions(
  dims: readonly number[],
  indices: { readonly dims: readonly number[]; readonly data: ArrayLike<number> },
  axis: number,
): Int32Array {
  const front = frontAxis(axis, dims.length)
  const stride = around(dims, front).inner
  const size = dims[front] as number
  const positions = walk(indices.dims, stridesOf(dims).with(front, 0))
  for (let i = 0; i < positions.length; i++) {
    positions[i] = (positions[i] as number) + checkedIndex(indices.data[i] as number, size) * stride
  }
  return positions
}

/** One element per index along an axis (given by number, or by name in `x`). */
export function gatherElements(x: Tensor, indices: Tensor, axis: number | string): Tensor {
  return applyOne(GatherElements, [x, indices], { axis: axisOf(x, axis) })
}
