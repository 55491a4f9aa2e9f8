import { applyOne } from '../expression/apply.ts'
import { type Dim, mulDims, unknownDim } from '../expression/dim.ts'
import type { Op } from '../expression/tensor.ts'
import { ShapeProblem, type Tensor } from '../expression/tensor.ts'
import { ints } from './constant.ts'
import { at, numbers } from './kernels.ts'
import { mustBe, operand } from './operands.ts'
import { dimsOf } from './sizes.ts'
import { stridesOf, walk } from './strides.ts'

/** Each axis repeated as often as the input `repeats` says. */
export const Tile: Op = {
  name: 'Tile',
  infer(inputs) {
    const x = operand(inputs, 0)
    const repeats = operand(inputs, 1)
    mustBe('int64', repeats)
    const dims = dimsOf(x)
    const times = repeats.value
    if (dims !== undefined && times !== undefined && times.length !== dims.length) {
      throw new ShapeProblem(`${times.length} repeats for ${dims.length} axes`)
    }
    const result = dims?.map((dim, axis) => (times === undefined ? unknownDim() : mulDims(dim, times[axis] as Dim)))
    return [{ dtype: x.dtype, dims: result }]
  },
  run(inputs, _, context) {
    const x = at(inputs, 0)
    const times = numbers(at(inputs, 1))
    // seen as [times, size] pairs, of which the first is not stored
    const pairs = x.dims.flatMap((dim, axis) => [times[axis] as number, dim])
    const strides = stridesOf(x.dims).flatMap((stride) => [0, stride])
    const dims = x.dims.map((dim, axis) => dim * (times[axis] as number))
    const result = context.zeros(x.dtype, dims)
    walk(pairs, strides).forEach((position, i) => {
      result.data[i] = x.data[position] as number
    })
    return [result]
  },
}

/** Each axis repeated. */
export function tile(x: Tensor, repeats: Tensor | readonly number[]): Tensor {
  return applyOne(Tile, [x, Array.isArray(repeats) ? ints(repeats) : (repeats as Tensor)])
}
