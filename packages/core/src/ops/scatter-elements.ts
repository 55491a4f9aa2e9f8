import { applyOne } from '../expression/apply.ts'
import type { Op } from '../expression/tensor.ts'
import { axisOf, ShapeProblem, type Tensor } from '../expression/tensor.ts'
import { add, equal, less, mul } from './binary.ts'
import { cast } from './cast.ts'
import { elementPositions } from './gather-elements.ts'
import { at } from './kernels.ts'
import { matmul } from './matmul.ts'
import { frontAxis, intOf, mustBeIndex, operand, sameType, textOf } from './operands.ts'
import { range } from './range.ts'
import { sum } from './reduce.ts'
import { axisSize } from './shape.ts'
import { dimsOf } from './sizes.ts'
import { squeeze, unsqueeze } from './squeeze.ts'
import { swapLast } from './transpose.ts'
import { where } from './where.ts'

/** Elements put (or added) at indices along an axis: the reverse of GatherElements. */
export const ScatterElements: Op = {
  name: 'ScatterElements',
  since: 11,
  infer(inputs, attributes) {
    const x = operand(inputs, 0)
    const indices = operand(inputs, 1)
    mustBeIndex(indices)
    if (x.hasShape) {
      frontAxis(intOf(attributes, 'axis', 0), x.rank)
      if (indices.hasShape && indices.rank !== x.rank) {
        throw new ShapeProblem(`numbers of axes ${x.rank} and ${indices.rank} differ`)
      }
    }
    return [{ dtype: sameType(x, operand(inputs, 2)), dims: dimsOf(x) }]
  },
  run(inputs, attributes, context) {
    const x = at(inputs, 0)
    const updates = at(inputs, 2)
    const added = textOf(attributes, 'reduction', 'none') === 'add'
    const positions = elementPositions(x.dims, at(inputs, 1), intOf(attributes, 'axis', 0))
    const result = context.zeros(x.dtype, x.dims)
    result.data.set(x.data)
    for (let i = 0; i < positions.length; i++) {
      const position = positions[i] as number
      const update = updates.data[i] as number
      result.data[position] = added ? (result.data[position] as number) + update : update
    }
    return [result]
  },
  write: ({ inputs, attributes: { axis, reduction } }, opset) => ({
    type: 'ScatterElements',
    inputs,
    attributes: opset >= 16 && reduction !== undefined && reduction !== 'none' ? { axis, reduction } : { axis },
  }),
  expand({ inputs, attributes }, opset) {
    if (opset >= 16 || textOf(attributes, 'reduction', 'none') !== 'add') return undefined
    const [x, indices, updates] = inputs as readonly [Tensor, Tensor, Tensor]
    return [add(x, addedUp(x, indices, updates, frontAxis(intOf(attributes, 'axis', 0), x.rank)))]
  },
  read({ inputs, attributes }) {
    const [x] = inputs
    const reduction = textOf(attributes, 'reduction', 'none')
    if (x === undefined || (reduction !== 'none' && reduction !== 'add')) return undefined
    const axis = intOf(attributes, 'axis', 0)
    return { inputs, attributes: { axis: x.hasShape ? frontAxis(axis, x.rank) : axis, reduction } }
  },
}

// The sums to add at each position, from one-hot rows. Where all rows of [b, k, d] share their indices (an Expand of
// [b, k, 1]) it is a matrix product, else the sum of a tensor with one axis more.
function addedUp(x: Tensor, indices: Tensor, updates: Tensor, axis: number): Tensor {
  const size = axisSize(x, axis)
  const places = range(0, squeeze(size, 0), 1)
  const index = (raw: Tensor): Tensor => {
    const wide = cast(raw, 'int64')
    return where(less(wide, 0), add(wide, size), wide)
  }
  const [narrow] = indices.node.op.name === 'Expand' ? indices.node.inputs : []
  if (x.rank >= 2 && axis === x.rank - 2 && narrow?.hasShape && narrow.rank === x.rank && narrow.dims.at(-1) === 1) {
    const sameBatch = narrow.dims.slice(0, -1).every((dim, i) => dim === indices.dims[i])
    if (sameBatch) {
      const oneHot = cast(equal(index(narrow), places), updates.dtype) // [..., k, n]
      return matmul(swapLast(oneHot), updates)
    }
  }
  const later = Array.from({ length: x.rank - axis }, (_, i) => i + 1)
  const oneHot = equal(unsqueeze(index(indices), axis), unsqueeze(places, later)) // [..., n, k, ...]
  return sum(mul(cast(oneHot, updates.dtype), unsqueeze(updates, axis)), axis + 1)
}

/** `x` with elements replaced, or with `reduction` 'add' added to, at indices along an axis. */
export function scatterElements(
  x: Tensor,
  indices: Tensor,
  updates: Tensor,
  { axis, reduction = 'none' }: { readonly axis: number | string; readonly reduction?: 'none' | 'add' },
): Tensor {
  return applyOne(ScatterElements, [x, indices, updates], { axis: axisOf(x, axis), reduction })
}
