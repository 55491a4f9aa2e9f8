import { applyOne, MOST_ELEMENTS } from '../expression/apply.ts'
import type { Dim } from '../expression/dim.ts'
import type { Op } from '../expression/tensor.ts'
import { ShapeProblem, type Tensor } from '../expression/tensor.ts'
import { pick } from './contents.ts'
import { at, numbers, picked } from './kernels.ts'
import { mustBe, operand } from './operands.ts'
import { sizesOf } from './reshape.ts'
import { broadcastDims, dimsOf, shapeIn, staticDims } from './sizes.ts'
import { broadcastSizes, broadcastWalk } from './strides.ts'

/** Broadcast to a shape that is an input; both sides broadcast, so a 1 in it does not change the axis. */
export const Expand: Op = {
  name: 'Expand',
  since: 8,
  infer(inputs) {
    const x = operand(inputs, 0)
    const target = operand(inputs, 1)
    mustBe('int64', target)
    const from = dimsOf(x)
    const to = shapeIn(target)
    const negative = to?.find((size) => typeof size === 'number' && size < 0)
    if (negative !== undefined) throw new ShapeProblem(`${negative} is not a size`)
    const dims = from && to && broadcastDims(from, to)
    const sizes = staticDims(dims)
    const own = staticDims(from)
    const small = sizes !== undefined && sizes.reduce((a, b) => a * b, 1) <= MOST_ELEMENTS
    const value = small && own && x.value ? pick(x.value, broadcastWalk(own, sizes)) : undefined
    return [{ dtype: x.dtype, dims, value }]
  },
  run(inputs, _, context) {
    const x = at(inputs, 0)
    const dims = broadcastSizes(x.dims, numbers(at(inputs, 1)))
    return [picked(x, dims, broadcastWalk(x.dims, dims), context)]
  },
}

/**
 * Broadcast to these sizes: numbers, int64 scalars computed in the graph, or named sizes of `like` (default: `x`).
 */
export function expand(x: Tensor, dims: Tensor | readonly (Dim | Tensor)[], like: Tensor = x): Tensor {
  return applyOne(Expand, [x, Array.isArray(dims) ? sizesOf(dims, like) : (dims as Tensor)])
}
